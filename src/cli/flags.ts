import { logFormats, logLevels } from '../core/log.ts'
import { variables } from '../environment/variables.ts'
import { reportFormats } from '../report/report.ts'

// The command line as data. parse.ts parses it; --help, the man page and the completions describe it.

export const commands = ['serve', 'check', 'check-config'] as const
export type Command = (typeof commands)[number]

export const commandMeanings: Readonly<Record<Command, string>> = {
  serve: 'Probe on a timer, and serve metrics and the status page. The default.',
  check: 'Probe once, print the audit, and exit with the verdict.',
  'check-config': 'Check the configuration, and exit 0 or 78. Nothing is probed.',
}

/** A flag, as `parseArgs` of node:util takes it, with its description. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly short?: string
  /** The placeholder of the value in texts. `FILE` is completed with files. */
  readonly value?: 'FILE' | 'TIME' | 'ADDRESS' | 'NAME' | 'I/N' | 'URL' | 'PATH' | 'LEVEL' | 'FORMAT' | 'KIND/TARGET'
  /** The allowed values; undefined for any. */
  readonly choices?: readonly string[]
  /** The default. */
  readonly fallback?: string
  /** The command it belongs to; undefined for all. */
  readonly command?: Command
  readonly meaning: string
}

export const flags = {
  'config.file': {
    type: 'string',
    value: 'FILE',
    fallback: 'mailpath.yml',
    meaning: 'The configuration. check and check-config also take what the shell has opened: -, /dev/stdin, <(…).',
  },
  'config.enable-auto-reload': {
    type: 'boolean',
    command: 'serve',
    meaning:
      'Read the configuration again when its content changes. A bad one is refused, and the one before it holds.',
  },
  'config.auto-reload-interval': {
    type: 'string',
    value: 'TIME',
    fallback: '30s',
    command: 'serve',
    meaning: 'How often to look whether the configuration has changed; 1s or more.',
  },
  'web.listen-address': {
    type: 'string',
    multiple: true,
    value: 'ADDRESS',
    fallback: ':10587',
    command: 'serve',
    meaning: 'Where to serve: [HOST]:PORT or unix:/PATH. Without a host it is every address of the machine.',
  },
  'web.systemd-socket': {
    type: 'boolean',
    command: 'serve',
    meaning: 'Serve on the sockets that systemd passes, in place of --web.listen-address.',
  },
  'web.config.file': {
    type: 'string',
    value: 'FILE',
    command: 'serve',
    meaning:
      'TLS, users and headers, in the format of the exporter-toolkit of Prometheus. Without it everyone who reaches the address may read.',
  },
  'web.allowed-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    command: 'serve',
    meaning:
      'A name by which a browser may ask, such as that of an ingress. Not needed for addresses, names without a dot, .local, .internal and .svc, for machines such as Prometheus, with TLS or with users.',
  },
  'web.external-url': {
    type: 'string',
    value: 'URL',
    command: 'serve',
    meaning:
      'The URL by which people reach this exporter, for example through a reverse proxy. Its path is the route prefix, and its host name is allowed.',
  },
  'web.route-prefix': {
    type: 'string',
    value: 'PATH',
    command: 'serve',
    meaning:
      'Serve everything below this path, such as /mail; also /mail/metrics and /mail/-/healthy. Default: the path of --web.external-url. Give / if the proxy takes the path off.',
  },
  'web.enable-lifecycle': {
    type: 'boolean',
    command: 'serve',
    meaning: 'Let POST /-/reload read the configuration again, as SIGHUP does.',
  },
  shard: {
    type: 'string',
    value: 'I/N',
    command: 'serve',
    meaning: 'Probe only the I-th of N parts of the targets, counted from 0. What is assessed together stays together.',
  },
  'log.level': {
    type: 'string',
    value: 'LEVEL',
    choices: logLevels,
    fallback: 'info',
    command: 'serve',
    meaning: 'The least that is logged. A verdict is logged when it changes, at info where it is ok, else at warn.',
  },
  'log.format': {
    type: 'string',
    value: 'FORMAT',
    choices: logFormats,
    fallback: 'json',
    command: 'serve',
    meaning:
      'JSON lines for machines, or lines for people. The log goes to standard error; what cannot be written there is lost, and counted.',
  },
  only: {
    type: 'string',
    multiple: true,
    value: 'KIND/TARGET',
    command: 'check',
    meaning: 'Check only this target, or all of a kind; without the mail verdict, which needs them all.',
  },
  format: {
    type: 'string',
    value: 'FORMAT',
    choices: reportFormats,
    fallback: 'table',
    command: 'check',
    meaning: 'How to print the audit.',
  },
  debug: {
    type: 'boolean',
    command: 'check',
    meaning: 'Also print what each check asked, got and did, without secrets. Goes with the format table.',
  },
  version: { type: 'boolean', meaning: 'Print the version, and exit.' },
  help: { type: 'boolean', short: 'h', meaning: 'Print this, and exit.' },
} as const satisfies Readonly<Record<string, Flag>>

/** A row of a table: a term and its description. */
export type Term = readonly [what: string, meaning: string]

export const exitCodes: readonly Term[] = [
  ['0', 'It was ended in order; of check: ok.'],
  ['1', 'It cannot go on, for example because the address is taken, or check-config was cut off; of check: warn.'],
  ['2', 'Of check: fail.'],
  [
    '3',
    'Of check: unknown. Also where it was cut off, or its output could not be written whole, as with check | head.',
  ],
  ['64', 'The command line is wrong.'],
  ['74', 'Of check-config, --help and --version: the output could not be written whole.'],
  ['78', 'The configuration is wrong. Every error is printed, with line and column.'],
]

export const signals: readonly Term[] = [
  [
    'SIGHUP',
    'Of serve: read the configuration again, all or nothing. It ends other commands. It also ends serve in the first moment, before Node runs any program.',
  ],
  ['SIGTERM, SIGINT', 'End: runs under way are cut off and not recorded. It takes 1.5 s at most.'],
  ['SIGQUIT', 'As SIGTERM, so that there is no core dump: it would hold every secret.'],
  ['SIGUSR1, SIGUSR2', 'Nothing. Of itself Node would open its inspector, which shows every secret.'],
]

export const environment: readonly Term[] = [
  ['NAME', 'Whatever a reference {env: NAME} of the configuration names.'],
  ...variables.filter(({ effect }) => effect === 'used').map(({ names, meaning }): Term => [names.join(', '), meaning]),
  [
    variables.flatMap(({ names, effect }) => (effect === 'refused' ? names : [])).join(', '),
    'Refused: there is no start with them.',
  ],
  [
    'HTTP_PROXY, HTTPS_PROXY, PG*, VAULT_*, ...',
    'Without effect: only the configuration says whom to talk to, and how. See docs/environment.md.',
  ],
]
