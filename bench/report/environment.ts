/** What was measured with what, and on which machine. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { exporterVersion } from '../stage/exporter.ts'
import { blackbox, postgresExporter, versionOf } from '../stage/peers.ts'
import type { Servers } from '../stage/servers.ts'

export interface Environment {
  readonly machine: string
  /** By what it is called. */
  readonly versions: Readonly<Record<string, string>>
}

/** The first line a command prints; `unknown` where it is not there, or is not a repository. */
function firstLine(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? ''
  } catch {
    return 'unknown'
  }
}

function machine(): string {
  const cpus = os.cpus()
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type()
  const memory = `${Math.round(os.totalmem() / 1e9)} GB`
  return `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown CPU'}, ${memory} of memory, ${system}, Linux ${os.release().split('-')[0] ?? ''}`
}

export async function environmentOf({ cluster }: Servers): Promise<Environment> {
  const [row] = await (await cluster.primary()).query<{ version: string }>('show server_version')
  return {
    machine: machine(),
    versions: {
      'mailpath-exporter': `${exporterVersion} (${firstLine('git', 'rev-parse', '--short', 'HEAD')})`,
      'Node.js': process.version,
      [blackbox.name]: versionOf(blackbox),
      [postgresExporter.name]: versionOf(postgresExporter),
      Postgres: Object.values(row ?? {})[0] ?? 'unknown',
    },
  }
}
