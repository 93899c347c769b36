import { parseArgs } from 'node:util'
import { duration } from '../fields/index.ts'
import type { Shard } from '../config/shard.ts'
import { logFormats, logLevels, type LogFormat, type LogLevel } from '../core/log.ts'
import type { Environment } from '../environment/refusal.ts'
import { commands, flags, type Command, type Flag } from './flags.ts'
import { suggestion } from './suggest.ts'
import { reportFormats as formats, type ReportFormat } from '../report/report.ts'
import { parsePrefix } from '../web/prefix.ts'
import { parseListenAddress, systemdSockets, type ListenAddress } from '../web/listen.ts'

/** A message for the user who typed the command: exit code 64 (EX_USAGE). */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Options {
  readonly command: Command | 'help' | 'version'
  readonly configFile: string
  /** How often the configuration file is looked at for changes; undefined for never. */
  readonly autoReloadMs: number | undefined
  readonly enableLifecycle: boolean
  /** Host names that a browser may use. */
  readonly allowedHosts: readonly string[]
  /** The path that all endpoints are below, such as `/mail`; '' for none. */
  readonly routePrefix: string
  /** Where what happened is kept over restarts; undefined for nowhere. */
  readonly stateFile: string | undefined
  /** The part of the targets that this exporter has; undefined for all. */
  readonly shard: Shard | undefined
  readonly listen: readonly ListenAddress[]
  /** The web configuration: TLS, users. */
  readonly webConfigFile: string | undefined
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  readonly format: ReportFormat
  /** The checks to run: `kind/target`, or a kind. */
  readonly only: readonly string[]
  /** Print the transcript of each run. */
  readonly debug: boolean
  readonly init: InitOptions
}

/** What `init` is to ask, as typed. */
export interface InitOptions {
  readonly dotenv: readonly string[]
  readonly kubernetes: readonly string[]
  readonly kubeconfig: string | undefined
  readonly patroni: readonly string[]
  readonly haproxy: readonly string[]
  readonly vault: readonly string[]
  readonly caFile: string | undefined
  /** Undefined for standard output. */
  readonly output: string | undefined
}

/** Parses the command line. Throws a UsageError that names the flag. `environment` has systemd's sockets. */
export function parseCommand(args: readonly string[], environment: Environment = {}): Options {
  const { values, positionals } = parsed(args)
  const external = externalOf(values['web.external-url'], values['web.route-prefix'])
  const [word = 'serve', ...rest] = positionals
  if (rest.length > 0) throw new UsageError(`unexpected argument ${rest.join(' ')}`)
  const command = values.help ? 'help' : values.version ? 'version' : oneOf('command', word, commands)
  // The flags of serve may come before any command, so that a unit keeps its arguments.
  const misplaced = Object.entries<Flag>(flags).find(([name, flag]) => {
    const owner = ownerOf(flag)
    return Object.hasOwn(values, name) && owner !== undefined && owner !== command
  })
  if (misplaced && command !== 'help' && command !== 'version')
    throw new UsageError(`--${misplaced[0]} goes with the command ${ownerOf(misplaced[1]) ?? ''}`)
  const nameless = Object.entries<Flag>(flags).find(
    ([name, { value }]) => value === 'FILE' && [values[name as keyof typeof values]].flat().includes(''),
  )
  if (nameless) throw misfit(`--${nameless[0]}`, 'the path of a file', '')
  const valueOf = (name: NamesWithFallback): string => values[name] ?? flags[name].fallback
  const format = oneOf('--format', valueOf('format'), formats)
  if (values.debug && format !== 'table') throw new UsageError('--debug goes with --format=table')
  return {
    command,
    configFile: valueOf('config.file'),
    autoReloadMs: values['config.enable-auto-reload'] ? parseTime(valueOf('config.auto-reload-interval')) : undefined,
    enableLifecycle: values['web.enable-lifecycle'] ?? false,
    allowedHosts: [...(values['web.allowed-host'] ?? []).map(parseHostName), ...external.hosts],
    routePrefix: external.routePrefix,
    stateFile: values['state.file'],
    shard: values.shard === undefined ? undefined : parseShard(values.shard),
    listen: addressesOf(values['web.listen-address'], values['web.systemd-socket'] ?? false, environment),
    webConfigFile: values['web.config.file'],
    logLevel: oneOf('--log.level', valueOf('log.level'), logLevels),
    logFormat: oneOf('--log.format', valueOf('log.format'), logFormats),
    format,
    only: values.only ?? [],
    init: {
      dotenv: values.dotenv ?? [],
      kubernetes: values.kubernetes ?? [],
      kubeconfig: values.kubeconfig,
      patroni: values.patroni ?? [],
      haproxy: values.haproxy ?? [],
      vault: values.vault ?? [],
      caFile: values['ca-file'],
      output: values.output,
    },
    debug: values.debug ?? false,
  }
}

/** The command that a flag belongs to, if it goes with no other one. */
const ownerOf = ({ command }: Flag): Command | undefined => (command === 'serve' ? undefined : command)

type NamesWithFallback = 'config.file' | 'config.auto-reload-interval' | 'log.level' | 'log.format' | 'format'

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message.split(/\.\s/)[0] : undefined
    const unknown = /^Unknown option '(.*)'$/s.exec(message ?? '')?.[1]
    throw new UsageError(`${message ?? 'the command line cannot be read'}${unknown ? suggestion(unknown) : ''}`)
  }
}

/** Where people reach the exporter, as in Prometheus: the path that it serves below, and the host name of its URL. */
function externalOf(url: string | undefined, prefix: string | undefined) {
  const { pathname, host } = url === undefined ? { pathname: '/' } : parseUrl(url)
  const routePrefix = parsePrefix(prefix ?? pathname)
  if (routePrefix === undefined)
    throw prefix === undefined
      ? new UsageError('--web.external-url must have a path such as /mail, of plain letters, digits and . _ ~ -')
      : misfit('--web.route-prefix', 'a path such as /mail', prefix)
  return { routePrefix, hosts: host === undefined ? [] : [host] }
}

/** What is wrong is not repeated: it may hold a password. */
function parseUrl(text: string): { readonly pathname: string; readonly host?: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || /[?#@]/.test(text))
    throw new UsageError(
      '--web.external-url must be a URL such as https://example.com/mail, without user, query and fragment',
    )
  return { pathname: url.pathname, host: url.hostname.replace(/^\[(.*)\]$/, '$1') }
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find(one => one === value)
  if (found !== undefined) return found
  const more = flag === 'command' ? suggestion(value) : ''
  throw new UsageError(`${misfit(flag, `one of ${allowed.join(', ')}`, value).message}${more}`)
}

const misfit = (flag: string, form: string, text: string): UsageError =>
  new UsageError(`${flag} must be ${form}, not ${JSON.stringify(text)}`)

function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number)
  if (index === undefined || count === undefined || index >= count)
    throw misfit('--shard', 'I/N with I from 0 to N-1, such as 0/3', text)
  return { index, count }
}

function parseTime(text: string): number {
  const parsed = duration('').safeParse(text)
  if (!parsed.success || parsed.data < 1_000)
    throw misfit('--config.auto-reload-interval', 'a time of 1s or more, such as 30s', text)
  return parsed.data
}

function addressesOf(addresses: readonly string[] | undefined, systemd: boolean, env: Environment): ListenAddress[] {
  if (systemd && addresses)
    throw new UsageError('--web.systemd-socket takes the place of --web.listen-address: give one of them')
  if (!systemd) return (addresses ?? [flags['web.listen-address'].fallback]).map(parseListen)
  const sockets = systemdSockets(env)
  if (sockets.length === 0)
    throw new UsageError('--web.systemd-socket: systemd has passed no socket; start it by its .socket unit')
  return sockets
}

function parseHostName(text: string): string {
  if (!/^[\w-]+(\.[\w-]+)*$/.test(text))
    throw misfit('--web.allowed-host', 'a name without a port, such as mail.example.com', text)
  return text
}

function parseListen(text: string): ListenAddress {
  const address = parseListenAddress(text)
  if (address) return address
  throw misfit('--web.listen-address', '[HOST]:PORT, such as :10587 or 127.0.0.1:10587, or unix:/PATH', text)
}
