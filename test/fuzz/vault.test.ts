import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import { Unresolved } from '../../src/core/errors.ts'
import { deadline } from '../../src/core/deadline.ts'
import { vault } from '../../src/probes/vault/index.ts'
import type { VaultTarget } from '../../src/probes/vault/target.ts'
import { expectSamples } from '../probes/contract.ts'
import { look } from '../probes/look.ts'
import type { Listening } from '../servers/hostile.ts'
import { answerWith, answering, asJson, fields, objectOf, strangeBody, type Answer } from './answers.ts'
import { bounded, endsWith, patienceMs } from './limits.ts'

const token = 'hvs.Canary7Zq-token'
const password = 'Canary7Zq-password'
const path = 'secret/data/app'
const timeoutMs = 200

const flag = fc.boolean()
const health = fields({
  initialized: fc.oneof({ weight: 12, arbitrary: fc.constant(true) }, flag),
  sealed: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, flag),
  standby: flag,
  performance_standby: flag,
  removed_from_cluster: fc.constant(false),
  ha_connection_healthy: fc.constant(true),
  replication_dr_mode: fc.constantFrom('disabled', 'disabled', 'primary', 'unknown', 'secondary'),
  version: fc.constantFrom('1.20.4', '', '1.20.4"}\n'),
  server_time_utc: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.integer()),
})
/** Vault's account of an error, with what it was sent in it. */
const errors = fc.record({
  errors: fc.array(fc.constantFrom('permission denied', 'Vault is sealed', `token ${token}`, '\n\u0000')),
})
const lookup = fields({
  data: fields({
    ttl: fc.constantFrom(0, 60, 10_000_000, 10_000_000),
    expire_time: fc.constantFrom(null, 'soon'),
    num_uses: fc.constantFrom(0, 0, 0, 5),
  }),
})
const metadata = fields({ version: fc.constant(1), destroyed: flag, deletion_time: fc.constantFrom('', 'now\n') })
const secret = fields({
  data: fields({ data: fields({ PASS: fc.constant(password) }), metadata, PASS: fc.constant(password) }),
  errors: fc.constantFrom(undefined, [token], ['x']),
})

const often = (body: fc.Arbitrary<unknown>) =>
  answerWith(fc.oneof({ weight: 12, arbitrary: asJson(body) }, asJson(errors), strangeBody))
const answersOf = fc.record({
  '/v1/sys/health': often(health),
  '/v1/auth/token/lookup-self': often(lookup),
  '/v1/secret/data/app': often(secret),
})

let server: Listening
let now: Readonly<Record<string, Answer>> = {}
let target: VaultTarget
beforeAll(async () => {
  server = await answering(() => now)
  target = {
    name: 'vault-01',
    url: `http://127.0.0.1:${server.port}`,
    token: { env: 'TOKEN' },
    secrets: [{ path, keys: ['PASS'] }],
  }
})
afterAll(() => server.close())

/** What a Vault says that serves. */
function isServing(answer: Answer): boolean {
  const body = objectOf(answer)
  return (
    answer.ending === 'whole' &&
    body?.['initialized'] === true &&
    body['sealed'] === false &&
    body['removed_from_cluster'] !== true &&
    body['ha_connection_healthy'] !== false &&
    body['replication_dr_mode'] !== 'secondary'
  )
}

const references = () => createReferences({ env: { TOKEN: token }, vaults: [target], kubernetes: undefined })

it('calls nothing ok but a Vault that serves, whatever comes', { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(answersOf, async answers => {
      now = answers
      const seen = await endsWith(timeoutMs, look(vault, target, { timeoutMs, references: references() }))
      if (!seen) throw new Error('the run was not recorded')
      if (seen.verdict === 'ok') {
        expect(isServing(answers['/v1/sys/health'])).toBe(true)
        expect(answers['/v1/secret/data/app'].status).toBe(200)
      } else expect(seen.reasons.length).toBeGreaterThan(0)
      expect(seen.reasons.map(({ code }) => code)).not.toContain('probe_error')
      for (const { text } of seen.reasons) expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
      expect(JSON.stringify(seen)).not.toContain('Canary7Zq')
      expectSamples(seen, vault)
    }),
    bounded(6),
  )
})

it('takes a secret out of what is a secret only, and says nothing of the token', { timeout: patienceMs }, async () => {
  await fc.assert(
    fc.asyncProperty(answersOf, async answers => {
      now = answers
      const limit = deadline(timeoutMs, new AbortController().signal)
      try {
        const got = await endsWith(
          timeoutMs,
          references().value({ vault: { target: 'vault-01', path, key: 'PASS' } }, limit.signal),
        )
        expect(answers['/v1/secret/data/app']).toMatchObject({ status: 200, ending: 'whole' })
        expect(Buffer.from(answers['/v1/secret/data/app'].body).toString()).toContain('PASS')
        expect(got).not.toBe('')
      } catch (error) {
        expect(error).toBeInstanceOf(Unresolved)
        expect(String(error)).not.toContain('Canary7Zq')
        expect(String(error)).toMatch(/^Unresolved: vault vault-01 secret\/data\/app#PASS: /)
      } finally {
        limit.clear()
      }
    }),
    bounded(4),
  )
})
