import { reasons as catalogue } from '../../src/probes/dns/reasons.ts'
import { nsdBinary, nsdInstall, startNsd, txt, type Nsd, type Zones } from '../servers/nsd.ts'
import { startDnsWay, type DnsWay, type Rule } from '../servers/dns-way.ts'
import { waitFor } from '../servers/ports.ts'
import { domain, envelope, good, hello, host, zones, type Records } from './dns-records.ts'
import type { Area, Expectation, ExpectedValue, Fault, Stage } from './fault.ts'
import { without } from './skip.ts'
import { login, mailPath, startRelay, target, user, type Relay } from './smtp-stage.ts'

/** A domain in a real nsd, a way to it that can be broken, and a relay that takes its mail. */
export interface DnsStage extends Stage {
  readonly nsd: Nsd
  readonly way: DnsWay
  readonly relay: Relay
  readonly env: Record<string, string | undefined>
  /** The records as they should be, with these in place of theirs; an empty list takes some away. */
  readonly publish: (changes: Records) => Promise<void>
}

/** A look takes some twenty questions. */
export const times = { intervalMs: 2_000, timeoutMs: 1_600 }

export const withoutNsd = without('nsd', nsdBinary(), nsdInstall)

export const held = (code: string): string => `dns/app dns_${code}`
export const series = (metric: string, labels = ''): string =>
  `mailpath_dns_${metric}{target="app"${labels && `,${labels}`}}`

interface Options {
  /** More keys of the target, such as `direct: true`. */
  readonly more?: string
  /** Which name servers are asked. Default: nsd, by the way. */
  readonly servers?: (nsd: Nsd, way: DnsWay) => Promise<readonly string[]> | readonly string[]
  /** Of the relay, as YAML; with the password that it takes. Default: the password is in a file. */
  readonly login?: string
  readonly password?: string
  /** Records besides the good ones. */
  readonly records?: Records
  /** Of nsd. */
  readonly settings?: readonly string[]
  readonly addresses?: readonly string[]
  readonly nameServers?: readonly string[]
}

export const startDnsStage =
  (options: Options = {}) =>
  async (): Promise<DnsStage> => {
    const { more = '', servers = (_: Nsd, { address }: DnsWay) => [address], records = {}, ...rest } = options
    const { login: ownLogin, password, ...ofNsd } = rest
    const healthy = { ...good, ...records }
    const nsd = await startNsd({ zones: zonesOf(healthy), ...ofNsd })
    const way = await startDnsWay(nsd.port)
    const relay = await startRelay(password === undefined ? {} : { users: { [user]: password } })
    const asked = await servers(nsd, way)
    const addresses = { FROM: `app@${domain}`, ENVELOPE: `bounces@${envelope}` }
    const env: Record<string, string | undefined> = { ...addresses }
    let served: Records = healthy
    const serve = async (next: Records): Promise<void> => {
      served = next
      await nsd.serve(zonesOf(next))
    }
    return {
      nsd,
      way,
      relay,
      env,
      publish: changes => serve({ ...healthy, ...changes }),
      config: `smtp:
${target('relay', relay, ownLogin ?? login(relay))}
dns:
  - name: app
    domain: { env: FROM }
    envelope: { env: ENVELOPE }
    senders: [${host.name}]
    helo: ${hello}
    dkim: [s1, s2]
    servers: [${asked.map(address => `"${address}"`).join(', ')}]
    interval: ${times.intervalMs}ms${more && `\n    ${more.replaceAll('\n', '\n    ')}`}
${mailPath}`,
      async heal() {
        Object.assign(env, addresses)
        way.rule(() => undefined)
        if (nsd.process.alive()) nsd.resume()
        else await nsd.up()
        if (served !== healthy) await serve(healthy)
      },
      async stop() {
        await Promise.all([relay.stop(), way.stop(), nsd.stop()])
      },
    }
  }

/** All of the zones, with the records in that of the longest name. */
export function zonesOf(records: Records): Zones {
  const lines = Object.entries(records).flatMap(([key, data]) => {
    const [name = '', type = ''] = key.split(' ')
    return data.map(one => ({ name, line: type === 'TXT' ? txt(`${name}.`, one) : `${name}. ${type} ${one}` }))
  })
  const zoneOf = (name: string): string | undefined =>
    zones.filter(zone => name === zone || name.endsWith(`.${zone}`)).sort((a, b) => b.length - a.length)[0]
  return Object.fromEntries(
    zones.map(zone => [zone, lines.filter(({ name }) => zoneOf(name) === zone).map(({ line }) => line)]),
  )
}

const typeNumbers: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28 }

/**
 * Publishes, and waits until the exporter has asked for what is gone: the first look in which a record is missing does not count.
 * `gone`: those, as `name TYPE`, where they are not the ones that were taken away.
 */
export async function publish<S extends DnsStage>(
  stage: S,
  changes: Records,
  gone = Object.keys(changes).filter(key => changes[key]?.length === 0),
): Promise<void> {
  const asked = (): number[] =>
    gone.map(key => {
      const [name = '', type = ''] = key.split(' ')
      return stage.way.asked(name, typeNumbers[type])
    })
  await stage.publish(changes)
  const before = asked()
  await waitFor(() => asked().every((count, at) => count > (before[at] ?? 0)), {
    timeoutMs: 6 * times.intervalMs,
    what: `the exporter asked for ${gone.join(', ')}`,
  })
}

export type Row<S extends DnsStage = DnsStage> = Fault<S>

/** Records that are others, or that are gone (an empty list). */
export const records = (name: string, changes: Records, seen: Expectation, more: Partial<Row> = {}): Row => ({
  name: `DNS: ${name}`,
  inject: stage => publish(stage, changes),
  seen,
  ...more,
})

/** What becomes of questions. */
export const onTheWay = (name: string, rule: Rule, seen: Expectation, more: Partial<Row> = {}): Row => ({
  name: `DNS: ${name}`,
  inject({ way }) {
    way.rule(rule)
    return Promise.resolve()
  },
  seen,
  ...more,
})

/** Other addresses in the settings of the application. */
export const sentFrom = (name: string, env: Readonly<Record<string, string>>, seen: Expectation): Row => ({
  name: `DNS: ${name}`,
  inject(stage) {
    Object.assign(stage.env, env)
    return Promise.resolve()
  },
  seen,
})

type Samples = Readonly<Record<string, ExpectedValue>>

/** All that the probe can say but these: nothing may be invented. */
const others = (codes: readonly string[]): string[] =>
  Object.keys(catalogue)
    .filter(code => !codes.includes(code.replace(/^dns_/, '')))
    .map(code => `dns/app ${code}`)

/** Mail is `warn` for exactly these reasons of the target. */
export const warns = (codes: string | readonly string[], samples: Samples = {}): Expectation => ({
  verdict: 'warn',
  reasons: [codes].flat().map(held),
  samples,
  not: others([codes].flat()),
})

/** Mail fails, and the first is the one thing to fix. The target says exactly this. */
export const fails = (code: string, also: readonly string[] = [], samples: Samples = {}): Expectation => ({
  verdict: 'fail',
  root: held(code),
  reasons: also.map(held),
  samples,
  not: others([code, ...also]),
})

export const ok = (samples: Samples = {}): Expectation => ({ verdict: 'ok', samples, not: others([]) })

export const areaOf = (name: string, options: Options, rows: readonly Row[]): Area<DnsStage> => ({
  name: `DNS: ${name}`,
  start: startDnsStage(options),
  faults: rows.map(row => ({ ...row, skip: row.skip ?? withoutNsd })),
  times,
})
