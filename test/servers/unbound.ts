/** A real Unbound: it asks authorities on this machine, and nobody else. Needs no root. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  freePort,
  have,
  removeFolder,
  startProcess,
  tempFolder,
  untilListening,
  type RunningProcess,
} from './processes.ts'

export const unboundInstall = 'apt-get install unbound'

export const unboundBinary = (): string | undefined => have('unbound')

interface UnboundOptions {
  /** By zone the ports of 127.0.0.1 at which its authorities are. All other names are REFUSED. */
  readonly authorities: Readonly<Record<string, readonly number[]>>
  /** Keys that zones have to be signed with, as DS or DNSKEY records; of one that is not signed all answers are SERVFAIL. */
  readonly trustAnchors?: readonly string[]
  /** More lines for the section `server`. */
  readonly settings?: readonly string[]
}

export interface Unbound {
  readonly port: number
  /** As in `servers` of a `dns` target: `127.0.0.1:5353`. */
  readonly address: string
  readonly process: RunningProcess
  /** From its next start on, these are its trust anchors. */
  trust: (...trustAnchors: readonly string[]) => Promise<void>
  /** It takes questions, and does not answer. */
  pause: () => void
  resume: () => void
  /** Ends it, and starts it where it was, with nothing in its cache. */
  down: () => Promise<void>
  up: () => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'

const configuration = (folder: string, port: number, options: UnboundOptions): string => {
  const { authorities, trustAnchors = [], settings = [] } = options
  // It would answer for the zones of private addresses itself, and ask the servers of the root for the rest.
  const own = Object.keys(authorities).map(zone => `local-zone: "${zone}." transparent`)
  const lines = [
    `interface: ${host}`,
    `port: ${port}`,
    `directory: "${folder}"`,
    'chroot: ""',
    'username: ""',
    `pidfile: "${path.join(folder, 'pid')}"`,
    'use-syslog: no',
    'logfile: ""',
    'num-threads: 1',
    'do-not-query-localhost: no',
    'do-daemonize: no',
    'cache-max-ttl: 0',
    'cache-max-negative-ttl: 0',
    // An authority that was down is asked again at once.
    'infra-host-ttl: 0',
    // One that is silent is given up soon.
    'infra-cache-min-rtt: 50',
    'infra-cache-max-rtt: 300',
    'unknown-server-time-limit: 100',
    'outbound-msg-retry: 2',
    'qname-minimisation: no',
    `module-config: "${trustAnchors.length > 0 ? 'validator ' : ''}iterator"`,
    ...trustAnchors.map(anchor => `trust-anchor: "${anchor}"`),
    'local-zone: "." refuse',
    ...own,
    ...settings,
  ]
  const stubs = Object.entries(authorities).map(
    ([zone, ports]) => `stub-zone:
  name: "${zone}"
${ports.map(one => `  stub-addr: ${host}@${one}\n`).join('')}`,
  )
  return `server:
${lines.map(line => `  ${line}\n`).join('')}remote-control:
  control-enable: no
${stubs.join('')}`
}

export async function startUnbound(options: UnboundOptions): Promise<Unbound> {
  const binary = unboundBinary()
  if (binary === undefined) throw new Error(`Unbound cannot run here: ${unboundInstall}`)
  const folder = tempFolder('mailpath-unbound-')
  const port = await freePort()
  const config = path.join(folder, 'unbound.conf')
  const trust = (...trustAnchors: readonly string[]) =>
    writeFile(config, configuration(folder, port, { ...options, trustAnchors }))
  await trust(...(options.trustAnchors ?? []))
  let running: RunningProcess
  const up = async () => {
    running = startProcess('unbound', binary, ['-d', '-c', config], {
      cwd: folder,
      logFile: path.join(folder, 'unbound.log'),
      lastSignal: 'SIGTERM',
    })
    await untilListening(running, port)
  }
  const down = () => running.stop('SIGTERM', 2000)
  await up()
  return {
    port,
    address: `${host}:${port}`,
    get process() {
      return running
    },
    trust,
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
    down,
    up,
    stop: async () => {
      await down()
      await removeFolder(folder)
    },
  }
}
