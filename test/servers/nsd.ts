/** A real NSD: the authority for zones, on loopback addresses. Needs no root, but for port 53. */
import { writeFile } from 'node:fs/promises'
import { Resolver } from 'node:dns/promises'
import path from 'node:path'
import {
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  untilListening,
  waitFor,
  type RunningProcess,
} from './processes.ts'

export const nsdInstall = 'apt-get install nsd'

export const nsdBinary = (): string | undefined => have('nsd')

/**
 * Records by the name of their zone (`.` is the root), a line each as in a zone file: `@ MX 10 mail`, `mail A 192.0.2.1`. A zone
 * without a SOA or NS record of its own gets them, with two servers below it. Long texts: `txt`.
 */
export type Zones = Readonly<Record<string, readonly string[]>>

interface NsdOptions {
  readonly zones: Zones
  /** Default: a free one of 127.0.0.1. */
  readonly port?: number
  /** More of them, as `127.53.0.1@53`. */
  readonly addresses?: readonly string[]
  /** More lines for the section `server`, such as `tcp-count: 0`. */
  readonly settings?: readonly string[]
  /** Where the NS records of zones that have none of their own lead. Default: addresses at which nothing listens. */
  readonly nameServers?: readonly string[]
}

export interface Nsd {
  readonly port: number
  /** As in `servers` of a `dns` target: `127.0.0.1:5353`. */
  readonly address: string
  readonly process: RunningProcess
  /** Replaces the records of these zones, and leaves the others. Served when it settles. A new zone takes a restart. */
  serve: (zones: Zones) => Promise<void>
  /** No longer the authority for these: it answers REFUSED. Takes a restart. */
  drop: (...zones: string[]) => Promise<void>
  /** The zone as it is served, for a change of some of its lines. */
  lines: (zone: string) => readonly string[]
  /** It takes questions, and does not answer. */
  pause: () => void
  resume: () => void
  /** Ends it, and starts it where it was. */
  down: () => Promise<void>
  up: () => Promise<void>
  stop: () => Promise<void>
}

/** A TXT record in the lines of a zone: of strings of at most 255 characters each, with nothing in it that the file would read. */
export const txt = (name: string, text: string): string =>
  `${name} TXT ${(text.match(/.{1,255}/gs) ?? ['']).map(part => `"${part.replace(/["\\]/g, '\\$&')}"`).join(' ')}`

const host = '127.0.0.1'
/** Of the first version of each zone. */
const firstSerial = 2_000_000_001

const relative = (zone: string): string => (zone === '.' ? '.' : `.${zone}.`)

function zoneText(zone: string, lines: readonly string[], serial: number, nameServers: readonly string[]): string {
  const has = (type: string) => lines.some(line => new RegExp(`^(?:@|\\S+\\.)\\s.*\\b${type}\\s`).test(line))
  const origin = zone === '.' ? '.' : `${zone}.`
  const soa = `@ SOA ns1${relative(zone)} hostmaster${relative(zone)} ${serial} 3600 600 86400 60`
  const servers = nameServers.flatMap((address, at) => [`@ NS ns${at + 1}`, `ns${at + 1} A ${address}`])
  const heads = [...(has('SOA') ? [] : [soa]), ...(has('NS') ? [] : servers)]
  return [`$ORIGIN ${origin}`, '$TTL 60', ...heads, ...lines, ''].join('\n')
}

export async function startNsd(options: NsdOptions): Promise<Nsd> {
  const binary = nsdBinary()
  if (binary === undefined) throw new Error(`nsd cannot run here: ${nsdInstall}`)
  const { addresses = [], settings = [], nameServers = ['127.53.0.1', '127.53.0.2'] } = options
  const port = options.port ?? (await freePort())
  const folder = tempFolder('mailpath-nsd-')
  const file = (name: string) => path.join(folder, name)
  const served = new Map<string, readonly string[]>()
  const serials = new Map<string, number>()
  const fileOf = (zone: string) => file(`${zone === '.' ? 'root' : zone.replaceAll('/', '_')}.zone`)
  const nextSerial = (zone: string) => {
    const serial = (serials.get(zone) ?? firstSerial - 1) + 1
    serials.set(zone, serial)
    return serial
  }
  const write = async (zones: Zones) => {
    for (const [zone, lines] of Object.entries(zones)) {
      served.set(zone, lines)
      await writeFile(fileOf(zone), zoneText(zone, lines, nextSerial(zone), nameServers))
    }
    await writeFile(file('nsd.conf'), configuration())
  }
  const configuration = () => `server:
  server-count: 1
  ip-address: ${host}@${port}
${[...addresses.map(address => `ip-address: ${address}`), ...settings].map(line => `  ${line}\n`).join('')}  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${file('pid')}"
  xfrdfile: "${file('xfrd.state')}"
  zonelistfile: "${file('zone.list')}"
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
  hide-version: yes
remote-control:
  control-enable: no
${[...served.keys()].map(zone => `zone:\n  name: "${zone}"\n  zonefile: "${fileOf(zone)}"\n`).join('')}`

  let running: RunningProcess
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([`${host}:${port}`])
  const untilServed = (zones: readonly string[]) =>
    waitFor(
      async () => {
        if (!running.alive()) throw new Error(running.log())
        for (const zone of zones) {
          const { serial } = await resolver.resolveSoa(zone === '.' ? '' : zone)
          if (serial !== serials.get(zone) && !hasOwnSoa(zone)) return false
        }
        return true
      },
      { timeoutMs: 10_000, what: `nsd serves ${zones.join(', ')}\n${running.log().slice(-2000)}` },
    )
  const hasOwnSoa = (zone: string) => served.get(zone)?.some(line => /^@.*\bSOA\s/.test(line)) ?? false
  const up = async () => {
    running = startProcess('nsd', binary, ['-d', '-c', file('nsd.conf')], {
      cwd: folder,
      logFile: file('nsd.log'),
      lastSignal: 'SIGTERM',
    })
    await untilListening(running, port)
  }
  const down = () => running.stop('SIGTERM', 2000)
  const restart = async () => {
    await down()
    await up()
  }
  // Its servers are children of the first process.
  const signalAll = (signal: NodeJS.Signals) => process.kill(-running.pid, signal)

  await write(options.zones)
  await up()
  return {
    port,
    address: `${host}:${port}`,
    get process() {
      return running
    },
    serve: async zones => {
      const isNew = Object.keys(zones).some(zone => !served.has(zone))
      await write(zones)
      if (isNew) await restart()
      else running.signal('SIGHUP')
      await untilServed(Object.keys(zones))
    },
    drop: async (...zones) => {
      for (const zone of zones) served.delete(zone)
      await write({})
      await restart()
    },
    lines: zone => served.get(zone) ?? [],
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    down,
    up,
    stop: async () => {
      if (running.alive()) signalAll('SIGCONT')
      await down()
      await removeFolder(folder)
    },
  }
}
