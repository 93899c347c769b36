/** A receiver refuses mail and says why: the record that is wrong is the one thing to fix, and the refusal follows from it. */
import { senders } from '../servers/mail-route.ts'
import { startNsd, type Nsd } from '../servers/nsd.ts'
import {
  at,
  held as canaryHeld,
  notBounces,
  startStage,
  times as canaryTimes,
  withoutRoute,
  type CanaryStage,
} from './canary-stage.ts'
import { good, host, type Records } from './dns-records.ts'
import { held, withoutNsd, zonesOf } from './dns-stage.ts'
import type { Area, Expectation, Fault } from './fault.ts'

interface RefusalsStage extends CanaryStage {
  /** The records as they should be, with these in place of theirs. */
  readonly publish: (changes: Records) => Promise<void>
  readonly nsd: Nsd
}

const spf = `${senders.good} TXT`
const dmarc = '_dmarc.example.com TXT'
const healthy: Records = { ...good, [spf]: ['v=spf1 ip4:192.0.2.10 -all'] }

async function start(): Promise<RefusalsStage> {
  const stage = await startStage('soon')()
  const nsd = await startNsd({ zones: zonesOf(healthy) })
  return {
    ...stage,
    nsd,
    publish: changes => nsd.serve(zonesOf({ ...healthy, ...changes })),
    config: `dns:
  - name: app
    domain: ${senders.good}
    senders: [${host.name}]
    dkim: [s1, s2]
    servers: ["${nsd.address}"]
    interval: ${canaryTimes.intervalMs}ms
${stage.config}`,
    async heal() {
      if (!nsd.process.alive()) await nsd.up()
      await nsd.serve(zonesOf(healthy))
      await stage.heal()
    },
    async stop() {
      await Promise.all([stage.stop(), nsd.stop()])
    },
  }
}

type Row = Omit<Fault<RefusalsStage>, 'skip'>
type Refuser = 'relay' | 'receiver'

const refused = (name: string, by: Refuser, answer: string, changes: Records, seen: Expectation): Row => ({
  name: `Refused: ${name}`,
  async inject({ route, publish }) {
    await publish(changes)
    route[by].policy.decide(at('END-OF-MESSAGE', answer, notBounces))
  },
  seen,
})

/** DNS is to blame, once. */
const dnsIs = (code: string, canary: string): Expectation => ({
  verdict: 'fail',
  root: held(code),
  reasons: [canaryHeld(canary)],
  because: { [canaryHeld(canary)]: 'dns/app' },
})
const canaryIs = (code: string, ...more: readonly string[]): Expectation => ({
  verdict: 'fail',
  root: canaryHeld(code),
  reasons: more,
})

const gmail = '550 5.7.26 Your email has been blocked because the sender is unauthenticated. SPF did not pass'
const microsoft = '550 5.7.515 Access denied, the sending domain does not meet the required authentication level'
const noSpf: Records = { [spf]: ['v=spf1 ip4:192.0.2.99 -all'] }

const rows: readonly Row[] = [
  refused(
    'SPF does not cover the relay, and it is said at once (5.7.26)',
    'relay',
    gmail,
    noSpf,
    dnsIs('spf_not_covering', 'rejected'),
  ),
  refused(
    'SPF does not cover the relay, and it bounces (5.7.26)',
    'receiver',
    gmail,
    noSpf,
    dnsIs('spf_not_covering', 'bounced'),
  ),
  refused(
    'DMARC is missing, and it bounces (5.7.515)',
    'receiver',
    microsoft,
    { [dmarc]: ['other'] },
    dnsIs('dmarc_missing', 'bounced'),
  ),
  refused(
    'the relay has no name, and it bounces (5.7.25)',
    'receiver',
    `550 5.7.25 The IP address sending this message (${host.address}) does not have a PTR record`,
    { [`${host.reverse} PTR`]: ['old.example.com.'] },
    dnsIs('ptr_missing', 'bounced'),
  ),
  refused('DNS is as it should be (5.7.26)', 'receiver', gmail, {}, canaryIs('bounced')),
  refused(
    'SPF does not cover the relay, and mail is refused for its content (5.7.1)',
    'receiver',
    '550 5.7.1 this looks like spam',
    noSpf,
    canaryIs('bounced', held('spf_not_covering')),
  ),
  {
    name: 'Refused: the name server is silent, and mail is refused (5.7.26)',
    async inject({ route, nsd }) {
      await nsd.down()
      route.receiver.policy.decide(at('END-OF-MESSAGE', gmail, notBounces))
    },
    seen: canaryIs('bounced', held('resolver_failed')),
  },
]

const without = withoutRoute ?? withoutNsd

export const dnsRefusalsArea: Area<RefusalsStage> = {
  name: 'DNS and refusals',
  start,
  faults: rows.map(row => ({ ...row, skip: without })),
  times: canaryTimes,
}
