import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Memory } from '../../src/assess/assessment.ts'
import type { Check, Probe, Target } from '../../src/core/probe.ts'
import { drift } from '../../src/probes/drift/index.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { account, mailTarget, settingsTarget, smtpTarget, vaultNode } from './mail-cases.ts'
import { balancer, byBalancer, shutOut, silentBalancer, through } from './platform.ts'
import { canarySeen, canaryThat } from '../status/canary.ts'
import { dnsThat } from '../status/dns.ts'
import { outboxRows, outboxThat } from '../status/delivering.ts'
import { serverUp } from '../status/haproxy.ts'
import {
  assessed,
  checkOf,
  intervalMs,
  landingOn,
  node,
  primaryFacts,
  reported,
  standbyFacts,
  start,
  type Looked,
} from '../status/looked.ts'

const that =
  <T extends Target>(probe: Probe<T>, target: T, codes: readonly string[], unmet: readonly string[] = []) =>
  (at: number): Looked => ({
    check: checkOf(probe, target, unmet),
    observation: reported(probe, target, codes, { at, unmet }),
  })

const [asksVault, driftTarget] = [
  ['vault/vault-01'],
  drift.target.parse({ name: 'secret', sources: { a: { env: 'A' }, b: { env: 'B' } } }),
]
/** All that a mail path can depend on, and how each part of it can be found. */
const parts: Readonly<Record<string, readonly ((at: number) => Looked)[]>> = {
  primary: [
    at => node('db-1', primaryFacts(1), { at }),
    at => node('db-1', standbyFacts(1), { at }),
    at => node('db-1', undefined, { at }),
  ],
  standby: [
    at => node('db-2', standbyFacts(2), { at }),
    at => node('db-2', primaryFacts(2), { at }),
    at => node('db-2', undefined, { at }),
  ],
  path: [
    at => through(byBalancer, [landingOn(primaryFacts(1))], { at }, 'path'),
    at => through(byBalancer, [landingOn(standbyFacts(2))], { at }, 'path'),
    at => through(byBalancer, [], { at, ...shutOut('refused') }, 'path'),
  ],
  balancer: [at => balancer([serverUp('db-1')], at), at => silentBalancer(at)],
  relay: [
    that(smtp, smtpTarget, [], asksVault),
    that(smtp, smtpTarget, ['smtp_unreachable'], asksVault),
    that(smtp, smtpTarget, ['smtp_password_unresolved'], asksVault),
    that(smtp, smtpTarget, ['smtp_certificate_expires_soon'], asksVault),
  ],
  account: [() => account('proven'), () => account('refused'), () => account('unreadable', asksVault)],
  provider: [
    at => ({
      check: checkOf(mail, mailTarget),
      observation: reported(mail, mailTarget, [], { seen: { provider: 'smtp' }, at }),
    }),
    at => ({
      check: checkOf(mail, mailTarget),
      observation: reported(mail, mailTarget, [], { seen: { provider: 'ses' }, at }),
    }),
    that(mail, mailTarget, ['reference_unresolved']),
  ],
  settings: [that(settings, settingsTarget, []), that(settings, settingsTarget, ['setting_absent'])],
  vault: [() => vaultNode([]), () => vaultNode(['vault_sealed']), () => vaultNode(['vault_certificate_expires_soon'])],
  drift: [that(drift, driftTarget, []), that(drift, driftTarget, ['drift_differs'])],
  outbox: [
    () => outboxThat(outboxRows()),
    () => outboxThat(outboxRows({ pending: 9 }), ['outbox_stuck']),
    () => outboxThat(undefined, ['outbox_unreadable']),
  ],
  canary: [at => canaryThat([], { at, seen: canarySeen({}, at) }), at => canaryThat(['canary_lost'], { at })],
  dns: [at => dnsThat([], { at }), at => dnsThat(['dns_resolver_failed'], { at })],
}
const names = Object.keys(parts)

/** A path over everything, one that lists its own, and one that needs little. */
const targets: readonly MailTarget[] = [
  { ...mailTarget, fallback: 'ses' },
  mail.target.parse({ name: 'own', write_path: ['path'], smtp: ['relay'], settings: [settingsTarget.name], ses: [] }),
  mail.target.parse({ name: 'other', write_path: ['path'], ses: ['backend SES'], smtp: [], outbox: [] }),
]

const stories = fc.array(
  fc.record({
    runs: fc.array(fc.record({ name: fc.constantFrom(...names), state: fc.nat(11) }), { maxLength: 3 }),
    ms: fc.constantFrom(20, 1_000, intervalMs, 4 * intervalMs),
    // Another file was read: some checks are gone.
    without: fc.option(fc.constantFrom(...names), { nil: undefined, freq: 6 }),
  }),
  { minLength: 2, maxLength: 15 },
)

const stateOf = (name: string, state: number, at: number): Looked => {
  const states = parts[name] ?? []
  // Mostly well: a path that is blocked is not recalled.
  const make = states[state < 6 ? 0 : state % states.length] ?? states[0]
  if (!make) throw new Error(`nothing is known of ${name}`)
  return make(at)
}

/** Others in each run of the tests. */
function holds(numRuns: number): void {
  fc.assert(
    fc.property(stories, story => {
      const checks = new Map<string, Check>(names.map(name => [name, stateOf(name, 0, start).check]))
      const all = new Map<string, Looked>()
      const run = (name: string, state: number, at: number): void => {
        const { check: made, observation } = stateOf(name, state, at)
        const check = checks.get(name) ?? made
        all.set(name, { check, observation: observation && { ...observation, config: check.config } })
      }
      for (const name of names) run(name, 0, start)
      const own = targets.map(target => ({ ...target }))
      let [now, previous, before]: [number, Memory | undefined, Memory | undefined] = [start, undefined, undefined]
      for (const { runs, ms, without } of story) {
        now += ms
        for (const { name, state } of runs) run(name, state, now)
        const seen = [...all].flatMap(([name, looked]) => (name === without ? [] : [looked]))
        const afresh = seen.map(({ check, observation }): Looked => {
          const config = { ...check.config }
          return { check: { ...check, config }, observation: observation && { ...observation, config } }
        })
        const recalled = assessed(seen, { mail: own, now, previous })
        const fresh = assessed(afresh, { mail: own.map(one => ({ ...one })), now, previous: before })
        if (!isDeepStrictEqual(recalled.mail, fresh.mail)) expect(recalled.mail).toEqual(fresh.mail)
        ;[previous, before] = [recalled.memory, structuredClone(fresh.memory)]
      }
    }),
    { numRuns },
  )
}

it('concludes the same of a mail path from what it has assessed before as afresh', () => holds(40))

it('does so in many stories', { tags: 'slow' }, () => holds(300))

it('assesses a path again only if something that it depends on was looked at again', () => {
  const looks = new Map(names.map(name => [name, stateOf(name, 0, start)]))
  const own = mail.target.parse({ name: 'own', write_path: ['path'], smtp: ['relay'], ses: [], outbox: [], canary: [] })
  const statusOf = () => assessed([...looks.values()], { mail: [own] }).mail[0]
  const again = (name: string, state: number): void => {
    const { check } = looks.get(name) ?? stateOf(name, 0, start)
    const { observation } = stateOf(name, state, start + 1)
    looks.set(name, { check, observation: observation && { ...observation, config: check.config } })
  }
  const first = statusOf()
  again('account', 7)
  again('vault', 0)
  expect(statusOf()).toBe(first)
  again('drift', 7)
  expect(statusOf()?.exceptions).toHaveLength((first?.exceptions.length ?? 0) + 1)
})
