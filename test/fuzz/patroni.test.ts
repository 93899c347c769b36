import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { patroniRoles, patroniStates } from '../../src/probes/patroni/answer.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import type { PatroniSeen } from '../../src/probes/patroni/observe.ts'
import type { PatroniTarget } from '../../src/probes/patroni/target.ts'
import { expectSamples } from '../probes/contract.ts'
import { look, values } from '../probes/look.ts'
import type { Listening } from '../servers/hostile.ts'
import { answerWith, answering, asJson, fields, objectOf, strangeBody, type Answer } from './answers.ts'
import { bounded, endsWith, patienceMs } from './limits.ts'

const password = 'Canary7Zq-password'
const login = Buffer.from(`probe:${password}`).toString('base64')
const timeoutMs = 200

const text = fc.constantFrom('p1', '', 'p 1\n\u0000', `Basic ${login}`, 'x'.repeat(500), '__proto__', '\u202E1p')
const count = fc.constantFrom(1, 3, 0, -1, 1.5, 1e300, 2_000_000_000)
const tags = fields({ nofailover: fc.constantFrom(true, 'false'), failover_priority: fc.constantFrom('0', 1) })
const follower = fields({ application_name: text, state: fc.constantFrom('streaming', 'backup') })
const status = fields({
  state: fc.constantFrom(...patroniStates, 'restart failed (crashed)', 'unknown', 'constructor'),
  role: fc.constantFrom(...patroniRoles, 'master', '__proto__', 'toString'),
  patroni: fields({ version: fc.constantFrom('4.1.4', '3.0.2', '4"}\n'), scope: text, name: text }),
  timeline: count,
  database_system_identifier: fc.constantFrom('7423412345678901234', 'x'),
  dcs_last_seen: fc.oneof(
    count,
    fc.constant(0).map(() => Math.floor(Date.now() / 1000)),
  ),
  cluster_unlocked: fc.boolean(),
  pause: fc.boolean(),
  failsafe_mode_is_active: fc.boolean(),
  pending_restart: fc.boolean(),
  pending_restart_reason: fields({ max_connections: fc.constant({ old_value: '1' }), ['a\nb']: fc.constant(login) }),
  sync_standby: fc.boolean(),
  tags,
  replication: fc.array(fc.oneof(follower, fc.constant(null)), { maxLength: 3 }),
})
const member = fields({
  name: text,
  role: fc.constantFrom('leader', 'replica'),
  host: text,
  port: count,
  api_url: text,
  state: text,
  tags,
})
const members = fields({ members: fc.array(fc.oneof(member, fc.constant(7)), { maxLength: 4 }) })

const often = (body: fc.Arbitrary<unknown>) =>
  answerWith(fc.oneof({ weight: 12, arbitrary: asJson(body) }, strangeBody)).chain(answer =>
    fc.constantFrom(answer, answer, { ...answer, status: 503 }),
  )
const answersOf = fc.record({ '/leader': often(status), '/cluster': often(members) })

let server: Listening
let now: Readonly<Record<string, Answer>> = {}
beforeAll(async () => {
  server = await answering(() => now)
})
afterAll(() => server.close())

/** What Patroni writes, in so far as it could be nothing else. */
function isPatronis(answer: Answer): boolean {
  const body = objectOf(answer)
  const about = body?.['patroni'] as Readonly<Record<string, unknown>> | null | undefined
  return (
    (answer.status === 200 || answer.status === 503) &&
    typeof body?.['state'] === 'string' &&
    typeof body['role'] === 'string' &&
    typeof about?.['version'] === 'string' &&
    typeof about['scope'] === 'string'
  )
}

it('takes nothing but an answer of Patroni for one, whatever comes', { timeout: patienceMs }, async () => {
  const holders = { all: 0, listed: 0 }
  await fc.assert(
    fc.asyncProperty(answersOf, async answers => {
      now = answers
      // Another target each time, so that the members are asked for.
      const target: PatroniTarget = {
        name: 'db-1',
        cluster: 'kb',
        url: `http://127.0.0.1:${server.port}`,
        user: 'probe',
        password: { env: 'PASS' },
        certificate_warning: 0,
        max_dcs_age: 15_000,
      }
      const found = await endsWith(
        timeoutMs,
        look(patroni, target, { timeoutMs, references: values({ PASS: password }) }),
      )
      if (!found) throw new Error('the run was not recorded')
      const seen = found.seen as PatroniSeen
      if (found.verdict === 'ok') expect(isPatronis(answers['/leader'])).toBe(true)
      else expect(found.reasons.length).toBeGreaterThan(0)
      expect(found.reasons.map(({ code }) => code)).not.toContain('probe_error')
      if (seen.facts) {
        expect(seen.facts.holdsLock).toBe(answers['/leader'].status === 200)
        expect([...patroniStates, undefined]).toContain(seen.facts.state)
        expect([...patroniRoles, undefined]).toContain(seen.facts.role)
        expect(Object.keys(seen.facts.tags)).toEqual(['nofailover', 'noloadbalance', 'nostream'])
        if (seen.facts.holdsLock) holders.all++
      }
      if (seen.members) {
        holders.listed++
        expect(seen.facts?.holdsLock).toBe(true)
        for (const one of seen.members) expect(one.name).not.toBe('')
      }
      for (const said of [found.evidence, ...found.reasons.map(one => one.text)])
        expect(said).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
      expect(JSON.stringify(found)).not.toContain('Canary7Zq')
      expect(JSON.stringify(found)).not.toContain(login)
      expectSamples(found, patroni)
    }),
    bounded(6),
  )
  expect(holders.listed).toBeGreaterThan(0)
})
