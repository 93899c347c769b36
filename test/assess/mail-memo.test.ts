import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Memory } from '../../src/assess/assessment.ts'
import type { Check, Observation, Probe, Target } from '../../src/core/probe.ts'
import { drift } from '../../src/probes/drift/index.ts'
import { kubernetes } from '../../src/probes/kubernetes/index.ts'
import type { KubernetesTarget } from '../../src/probes/kubernetes/target.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { packages } from '../../src/probes/packages/index.ts'
import { settings } from '../../src/probes/settings/index.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { account, mailTarget, settingsTarget, smtpTarget, vaultNode } from './mail-cases.ts'
import {
  balancer,
  byBalancer,
  byPooler,
  database,
  lock,
  pooler,
  shutOut,
  silentBalancer,
  silentPatroni,
  silentPooler,
  through,
} from './platform.ts'
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

const packagesTarget = packages.target.parse({ name: 'modules', folder: '/app', require: ['nodemailer'] })
const kubernetesTarget = { name: 'k8s' } as KubernetesTarget
/** A Vault whose token comes from Kubernetes. */
const vaultThat = (codes: readonly string[]) => (): Looked => {
  const { check, observation } = vaultNode(codes)
  return { check: { ...check, needs: ['kubernetes/k8s'] }, observation }
}

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
  pooled: [at => through(byPooler, [landingOn(primaryFacts(1))], { at }, 'pooled')],
  pooler: [() => pooler([database()]), () => silentPooler],
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
  vault: [vaultThat([]), vaultThat(['vault_sealed']), vaultThat(['vault_certificate_expires_soon'])],
  kubernetes: [that(kubernetes, kubernetesTarget, []), that(kubernetes, kubernetesTarget, ['kubernetes_unreachable'])],
  packages: [
    that(packages, packagesTarget, []),
    that(packages, packagesTarget, ['packages_forbidden_found']),
    that(packages, packagesTarget, ['packages_missing']),
  ],
  patroni: [() => lock(false), () => silentPatroni],
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

/** The same looks and paths as other objects, of which nothing is known from before. */
const anew = (seen: readonly Looked[]): Looked[] =>
  seen.map(({ check, observation }) => {
    const config = { ...check.config }
    return { check: { ...check, config }, observation: observation && { ...observation, config } }
  })

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
        const recalled = assessed(seen, { mail: own, now, previous })
        const fresh = assessed(anew(seen), { mail: own.map(one => ({ ...one })), now, previous: before })
        if (!isDeepStrictEqual(recalled.mail, fresh.mail)) expect(recalled.mail).toEqual(fresh.mail)
        ;[previous, before] = [recalled.memory, structuredClone(fresh.memory)]
      }
    }),
    { numRuns },
  )
}

it('concludes the same of a mail path from what it has assessed before as afresh', () => holds(40))

// In a story a path is often blocked, and a cluster is another at each time. Here only one part changes, and no time passes.
it.each(names)('notices what becomes of %s alone', name => {
  const well = new Map(names.map(one => [one, stateOf(one, 0, start)]))
  const seenWith = (make: ((at: number) => Looked) | undefined): Looked[] =>
    [...well].flatMap(([one, looked]) => {
      if (one !== name) return [looked]
      if (!make) return []
      const { check, observation } = looked
      return [
        { check, observation: observation && ({ ...make(start).observation, config: check.config } as Observation) },
      ]
    })
  for (const other of [...(parts[name] ?? []).slice(1), undefined]) {
    const own = targets.map(target => ({ ...target }))
    const changed = seenWith(other)
    let previous: Memory | undefined
    // A cluster is the same only once its memory is.
    for (let i = 0; i < 3; i += 1) previous = assessed([...well.values()], { mail: own, previous }).memory
    const first = assessed([...well.values()], { mail: own, previous })
    for (const path of first.mail) expect(path.blockers).toEqual([])
    for (const seen of [changed, [...well.values()], changed]) {
      const recalled = assessed(seen, { mail: own, previous })
      const fresh = assessed(anew(seen), { mail: own.map(one => ({ ...one })), previous })
      expect(recalled.mail).toEqual(fresh.mail)
    }
  }
})

it('does so in many stories', { tags: 'slow' }, () => holds(300))

it('assesses a path again only if something that it depends on was looked at again', () => {
  const looks = new Map(names.map(name => [name, stateOf(name, 0, start)]))
  const own = mail.target.parse({ name: 'own', write_path: ['path'], smtp: ['relay'], ses: [], outbox: [], canary: [] })
  let previous: Memory | undefined
  const statusOf = () => {
    const { mail: paths, memory } = assessed([...looks.values()], { mail: [own], previous })
    previous = memory
    return paths[0]
  }
  const again = (name: string, state: number): void => {
    const { check } = looks.get(name) ?? stateOf(name, 0, start)
    const { observation } = stateOf(name, state, start + 1)
    looks.set(name, { check, observation: observation && { ...observation, config: check.config } })
  }
  // A cluster is recalled from the third look on.
  const [, , first] = [statusOf(), statusOf(), statusOf()]
  again('account', 7)
  again('vault', 0)
  expect(statusOf()).toBe(first)
  again('drift', 7)
  expect(statusOf()?.exceptions).toHaveLength((first?.exceptions.length ?? 0) + 1)
})
