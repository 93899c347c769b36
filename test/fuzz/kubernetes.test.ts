import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import { Unresolved } from '../../src/core/errors.ts'
import { deadline } from '../../src/core/deadline.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { look } from '../probes/look.ts'
import type { Listening } from '../servers/hostile.ts'
import { answerWith, answering, asJson, fields, objectOf, strangeBody, type Answer } from './answers.ts'
import { bounded, endsWith, patienceMs } from './limits.ts'

const token = 'Canary7Zq-token'
const value = 'Canary7Zq-value'
const timeoutMs = 200

const base64 = fc.oneof(
  { weight: 4, arbitrary: fc.constant(Buffer.from(value).toString('base64')) },
  fc.constantFrom('', '====', 'not base64 §', '\u0000'),
  fc.base64String({ maxLength: 12 }),
)
const secret = fields({
  kind: fc.constant('Secret'),
  data: fields({ HOST: base64, PASS: base64, ['__proto__']: base64 }),
})
const status = fields({ kind: fc.constant('Status'), message: fc.constant(`no ${token}`), code: fc.nat() })
const answers = answerWith(fc.oneof({ weight: 6, arbitrary: asJson(secret) }, asJson(status), strangeBody))

let server: Listening
let now: Answer = { status: 200, type: '', body: '', ending: 'whole' }
beforeAll(async () => {
  server = await answering(() => ({ '/api/v1/namespaces/keybuzz/secrets/app': now }))
})
afterAll(() => server.close())

const references = () =>
  createReferences({
    env: { TOKEN: token },
    vaults: [],
    kubernetes: { url: `http://127.0.0.1:${server.port}`, token: { env: 'TOKEN' } },
  })

/** The data of a Secret, as the API server gives it. */
function dataOf(answer: Answer): Record<string, unknown> | undefined {
  const object = answer.status === 200 && answer.ending === 'whole' ? objectOf(answer) : undefined
  const data = object?.['kind'] === 'Secret' ? object['data'] : undefined
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : undefined
}

it('takes a value out of a Secret only, and says nothing of the token', { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(answers, async answer => {
      now = answer
      const limit = deadline(timeoutMs, new AbortController().signal)
      const reference = { kubernetes: { namespace: 'keybuzz', secret: 'app', key: 'PASS' } }
      try {
        const got = await endsWith(timeoutMs, references().value(reference, limit.signal))
        const raw = dataOf(answer)?.['PASS']
        expect(raw).toEqual(expect.stringMatching(/^[\w+/]+=*$/))
        expect(got).toBe(Buffer.from(String(raw), 'base64').toString('utf8'))
      } catch (error) {
        expect(error).toBeInstanceOf(Unresolved)
        expect(String(error)).not.toContain('Canary7Zq')
        expect(String(error)).toMatch(/^Unresolved: kubernetes keybuzz\/app#PASS: /)
      } finally {
        limit.clear()
      }
    }),
    bounded(5),
  )
})

it('calls settings ok only where a Secret has them, and shows none of them', { timeout: patienceMs }, async () => {
  const target = {
    name: 'app',
    from: { kubernetes: { namespace: 'keybuzz', secret: 'app' } },
    expect: { HOST: { equals: value }, PASS: { present: true } },
  } as const
  await fc.assert(
    fc.asyncProperty(answers, async answer => {
      now = answer
      const seen = await endsWith(timeoutMs, look(settings, target, { timeoutMs, references: references() }))
      if (!seen) throw new Error('the run was not recorded')
      const data = dataOf(answer)
      if (seen.verdict === 'ok')
        expect(data).toMatchObject({ HOST: Buffer.from(value).toString('base64'), PASS: expect.any(String) as unknown })
      expect(seen.reasons.map(({ code }) => code)).not.toContain('probe_error')
      // What could not be read is not said to be absent.
      if (!data && !isSecret(answer)) expect(seen.verdict).toBe('unknown')
      expect(JSON.stringify({ ...seen, config: undefined })).not.toContain(token)
      expect(JSON.stringify(seen.samples)).not.toContain('Canary7Zq')
    }),
    bounded(5),
  )
})

const isSecret = (answer: Answer): boolean =>
  answer.status === 200 && answer.ending === 'whole' && objectOf(answer)?.['kind'] === 'Secret'
