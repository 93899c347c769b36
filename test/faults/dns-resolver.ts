/** Name servers that do not answer: nothing is known, so nothing is concluded, and mail does not fail for it. */
import { startUnbound, unboundBinary, unboundInstall, type Unbound } from '../servers/unbound.ts'
import { envelope, selectors, zones } from './dns-records.ts'
import { areaOf, ok, onTheWay, startDnsStage, times, warns, withoutNsd, type DnsStage, type Row } from './dns-stage.ts'
import type { Area, Fault } from './fault.ts'
import { without } from './skip.ts'

const notKnown = warns('resolver_failed')
const txtOf = 16

const one: readonly Row[] = [
  onTheWay('the name server is silent', () => 'lost', notKnown),
  onTheWay('the name server says SERVFAIL', () => ({ rcode: 2 }), notKnown),
  onTheWay('the name server refuses all questions', () => ({ rcode: 5 }), notKnown),
  onTheWay('the name server answers with bytes that are no answer', () => 'garbage', notKnown),
  onTheWay('the name server is too late', () => ({ lateMs: times.timeoutMs + 500 }), notKnown),
  onTheWay(
    'only the key of DKIM is not answered for',
    ({ name }) => (name === selectors[0] ? { rcode: 2 } : undefined),
    notKnown,
  ),
  onTheWay(
    'neither SPF nor a key is answered for',
    ({ name, type }) => (type === txtOf && (name === envelope || name.includes('_domainkey')) ? 'lost' : undefined),
    notKnown,
  ),
  onTheWay(
    'the SPF record of the provider is not answered for',
    ({ name }) => (name === '_spf.example.net' ? { rcode: 2 } : undefined),
    notKnown,
  ),
  onTheWay('DMARC is not answered for', ({ name }) => (name.startsWith('_dmarc') ? 'lost' : undefined), notKnown),
  onTheWay(
    'PTR is not answered for',
    ({ name }) => (name.endsWith('in-addr.arpa') ? { rcode: 2 } : undefined),
    notKnown,
  ),
  onTheWay('answers are cut, and TCP serves them', ({ overTcp }) => (overTcp ? undefined : 'truncated'), ok()),
  onTheWay('answers are cut, and TCP is closed', ({ overTcp }) => (overTcp ? 'hung up' : 'truncated'), notKnown),
  onTheWay('answers are a little late', () => ({ lateMs: 30 }), ok()),
  {
    name: 'DNS: nsd is stopped (SIGSTOP)',
    inject({ nsd }) {
      nsd.pause()
      return Promise.resolve()
    },
    seen: notKnown,
  },
  {
    name: 'DNS: nsd no longer has the zone (REFUSED)',
    inject: ({ nsd }) => nsd.drop('example.com', 'com'),
    seen: notKnown,
    heal: async stage => {
      await stage.publish({})
      await stage.heal()
    },
  },
]

/** The first is broken, and the second has all answers. */
const two: readonly Row[] = [
  onTheWay('the first of two name servers is silent', () => 'lost', ok()),
  onTheWay('the first of two name servers says SERVFAIL', () => ({ rcode: 2 }), ok()),
  {
    name: 'DNS: both name servers are down, one silent and one closed',
    async inject({ nsd, way }) {
      way.rule(() => 'lost')
      await nsd.down()
    },
    seen: notKnown,
  },
]

interface UnboundStage extends DnsStage {
  readonly unbound: Unbound
}

const withoutUnbound = withoutNsd ?? without('Unbound', unboundBinary(), unboundInstall)

async function startUnboundStage(): Promise<UnboundStage> {
  let unbound: Unbound | undefined
  const stage = await startDnsStage({
    async servers(nsd) {
      const authorities = Object.fromEntries(zones.map(zone => [zone, [nsd.port]]))
      unbound = await startUnbound({ authorities })
      return [unbound.address]
    },
  })()
  if (!unbound) throw new Error('Unbound was not started')
  const running = unbound
  return {
    ...stage,
    unbound: running,
    async heal() {
      await stage.heal()
      // It keeps a SERVFAIL for five seconds.
      if (running.process.alive()) await running.down()
      await running.trust()
      await running.up()
    },
    async stop() {
      await running.stop()
      await stage.stop()
    },
  }
}

const resolver: readonly Fault<UnboundStage>[] = [
  { name: 'Unbound: the authority is down', inject: ({ nsd }) => nsd.down(), seen: notKnown },
  {
    name: 'Unbound: the authority of the provider no longer has its zone',
    inject: ({ nsd }) => nsd.drop('example.net', 'net'),
    seen: notKnown,
    async heal(stage) {
      await stage.publish({})
      await stage.heal()
    },
  },
  {
    name: 'Unbound: the zone is not signed, and the one above says that it is (DNSSEC)',
    async inject({ unbound }) {
      await unbound.down()
      await unbound.trust(`example.com. DS 1234 8 2 ${'AB'.repeat(32)}`)
      await unbound.up()
    },
    seen: notKnown,
  },
  { name: 'Unbound: it is down', inject: ({ unbound }) => unbound.down(), seen: notKnown },
  {
    name: 'Unbound: it is stopped (SIGSTOP)',
    inject({ unbound }) {
      unbound.pause()
      return Promise.resolve()
    },
    seen: notKnown,
  },
]

export const unboundArea: Area<UnboundStage> = {
  name: 'DNS: Unbound before nsd',
  start: startUnboundStage,
  faults: resolver.map(row => ({ ...row, skip: withoutUnbound })),
  times,
}

export const resolverAreas = [
  areaOf('its name server', {}, one),
  areaOf('two name servers', { servers: (nsd, way) => [way.address, nsd.address] }, two),
] as const
