import { parseArgs } from 'node:util'
import { duration } from './config/fields.ts'
import type { Shard } from './config/shard.ts'
import { reportFormats as formats, type ReportFormat } from './render/report.ts'
import { parsePlace, systemdSockets, type Place } from './web/listen.ts'
import { logFormats, logLevels, type LogFormat, type LogLevel } from './core/log.ts'

/** A message for the user who typed the command: exit code 64 (EX_USAGE). */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const commands = ['serve', 'check', 'check-config'] as const

export interface Options {
  readonly command: (typeof commands)[number] | 'help' | 'version'
  readonly configFile: string
  /** Reload when the configuration file changes, looked at this often; undefined where not asked for. */
  readonly autoReloadMs: number | undefined
  readonly enableLifecycle: boolean
  /** Which part of the targets is ours; undefined is all of them. */
  readonly shard: Shard | undefined
  readonly listen: readonly Place[]
  /** The file that says how to serve: TLS, users. */
  readonly webConfigFile: string | undefined
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  readonly format: ReportFormat
  /** `kind/target`, or a kind: which checks to run. */
  readonly only: readonly string[]
}

export const usage = `Usage: mailpath-exporter [serve] [options]      probe on a timer and export metrics
       mailpath-exporter check [options]        probe once, print the audit, exit 0 ok, 1 warn, 2 fail, 3 unknown
       mailpath-exporter check-config [options] check the configuration, exit 0 or 78

Options:
  --config.file=FILE           the configuration (default: mailpath.yml)
  --config.enable-auto-reload  read the configuration anew when it changes
  --config.auto-reload-interval=TIME  how often to look whether it has (default: 30s)
  --web.listen-address=ADDRESS where to serve, [HOST]:PORT or unix:/PATH; may be given several times (default: :10587)
  --web.systemd-socket         serve on the sockets that systemd passes
  --web.config.file=FILE       TLS, users and headers, in the format of the exporter-toolkit of Prometheus
  --web.enable-lifecycle       let POST /-/reload read the configuration anew, as SIGHUP does
  --shard=I/N                  probe only the I-th of N parts of the targets, counted from 0
  --log.level=LEVEL            ${logLevels.join(', ')} (default: info)
  --log.format=FORMAT          ${logFormats.join(', ')} (default: json)
  --only=KIND/TARGET           check only this target; may be given several times
  --format=FORMAT              of check: ${formats.join(', ')} (default: table)
  --version, --help
`

const options = {
  'config.file': { type: 'string', default: 'mailpath.yml' },
  shard: { type: 'string' },
  'config.enable-auto-reload': { type: 'boolean', default: false },
  'config.auto-reload-interval': { type: 'string', default: '30s' },
  'web.enable-lifecycle': { type: 'boolean', default: false },
  'web.listen-address': { type: 'string', multiple: true },
  'web.systemd-socket': { type: 'boolean', default: false },
  'web.config.file': { type: 'string' },
  'log.level': { type: 'string', default: 'info' },
  'log.format': { type: 'string', default: 'json' },
  only: { type: 'string', multiple: true },
  format: { type: 'string' },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Reads the command line. Throws a UsageError that says what is wrong with which flag. */
export function parseCommand(args: readonly string[]): Options {
  const { values, positionals } = parsed(args)
  const [word = 'serve', ...rest] = positionals
  if (rest.length > 0) throw new UsageError(`unexpected argument ${rest.join(' ')}`)
  const command = values.help ? 'help' : values.version ? 'version' : oneOf('command', word, commands)
  const misplaced = (['only', 'format'] as const).find(flag => values[flag] !== undefined)
  if (misplaced !== undefined && (command === 'serve' || command === 'check-config'))
    throw new UsageError(`--${misplaced} goes with the command check`)
  return {
    command,
    configFile: values['config.file'],
    autoReloadMs: values['config.enable-auto-reload'] ? parseTime(values['config.auto-reload-interval']) : undefined,
    enableLifecycle: values['web.enable-lifecycle'],
    shard: values.shard === undefined ? undefined : parseShard(values.shard),
    listen: placesOf(values['web.listen-address'], values['web.systemd-socket']),
    webConfigFile: values['web.config.file'],
    logLevel: oneOf('--log.level', values['log.level'], logLevels),
    logFormat: oneOf('--log.format', values['log.format'], logFormats),
    format: oneOf('--format', values.format ?? 'table', formats),
    only: values.only ?? [],
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message.split(/\.\s/)[0] : undefined
    throw new UsageError(message ?? 'the command line cannot be read')
  }
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find(one => one === value)
  if (found === undefined)
    throw new UsageError(`${flag} must be one of ${allowed.join(', ')}, not ${JSON.stringify(value)}`)
  return found
}

function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number)
  if (index === undefined || count === undefined || index >= count)
    throw new UsageError(`--shard must be I/N with I from 0 to N-1, such as 0/3, not ${JSON.stringify(text)}`)
  return { index, count }
}

function parseTime(text: string): number {
  const parsed = duration('').safeParse(text)
  if (!parsed.success || parsed.data < 1_000)
    throw new UsageError(
      `--config.auto-reload-interval must be a time of 1s or more, such as 30s, not ${JSON.stringify(text)}`,
    )
  return parsed.data
}

function placesOf(addresses: readonly string[] | undefined, systemd: boolean): Place[] {
  if (systemd && addresses)
    throw new UsageError('--web.systemd-socket takes the place of --web.listen-address: give one of them')
  if (!systemd) return (addresses ?? [':10587']).map(parseListen)
  const sockets = systemdSockets(process.env)
  if (sockets.length === 0)
    throw new UsageError('--web.systemd-socket: systemd has passed no socket; start it by its .socket unit')
  return sockets
}

function parseListen(text: string): Place {
  const place = parsePlace(text)
  if (!place)
    throw new UsageError(
      `--web.listen-address must be [HOST]:PORT, such as :10587 or 127.0.0.1:10587, or unix:/PATH, not ${JSON.stringify(text)}`,
    )
  return place
}
