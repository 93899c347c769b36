import { logFormats, logLevels } from '../core/log.ts'
import { variables } from '../environment/variables.ts'
import { reportFormats } from '../report/report.ts'

// The command line as data. parse.ts parses it; --help, the man page and the completions describe it.

export const commands = ['serve', 'check', 'check-config', 'init'] as const
export type Command = (typeof commands)[number]

export const commandMeanings: Readonly<Record<Command, string>> = {
  serve: 'Probe on a timer, and serve metrics and the status page. The default.',
  check: 'Probe once, print the audit, and exit with the verdict.',
  'check-config': 'Check the configuration, and exit 0 or 78. Nothing is probed.',
  init: 'Write a first configuration from what is there. It only reads, and changes nothing.',
}

/** A flag, as `parseArgs` of node:util takes it, with its description. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly short?: string
  /** The placeholder of the value in texts. `FILE` is completed with files. */
  readonly value?:
    | 'FILE'
    | 'TIME'
    | 'ADDRESS'
    | 'NAME'
    | 'I/N'
    | 'URL'
    | 'PATH'
    | 'LEVEL'
    | 'FORMAT'
    | 'KIND/TARGET'
    | 'NAMESPACE/SECRET'
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
      'Read the configuration again when its content changes. If the new one is bad, it is refused and the old one stays.',
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
    meaning: 'Where to serve: [HOST]:PORT or unix:/PATH. Without a host: on all addresses of the machine.',
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
      'TLS, users and headers, in the format of the exporter-toolkit of Prometheus. Without it, everyone who can connect may read.',
  },
  'web.allowed-host': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    command: 'serve',
    meaning:
      'A name that browsers may use for this exporter, such as that of an ingress. Not needed for IP addresses, for names without a dot, for .local, .internal and .svc, for programs such as Prometheus, or if there are TLS or users.',
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
  'state.file': {
    type: 'string',
    value: 'FILE',
    command: 'serve',
    meaning:
      'Keep the history in this file: incidents, uptime, and since when each verdict holds. Without it, a restart forgets them. Each exporter needs its own file.',
  },
  shard: {
    type: 'string',
    value: 'I/N',
    command: 'serve',
    meaning:
      'Split the targets into N parts, and probe only part I; the first is 0. Targets that are assessed together stay together.',
  },
  'log.level': {
    type: 'string',
    value: 'LEVEL',
    choices: logLevels,
    fallback: 'info',
    command: 'serve',
    meaning:
      'Log this level and what is more severe. A verdict is logged when it changes: at info if it is ok now, else at warn.',
  },
  'log.format': {
    type: 'string',
    value: 'FORMAT',
    choices: logFormats,
    fallback: 'json',
    command: 'serve',
    meaning:
      'JSON lines for programs, or lines for people. The log goes to standard error. Lines that cannot be written are lost and counted.',
  },
  only: {
    type: 'string',
    multiple: true,
    value: 'KIND/TARGET',
    command: 'check',
    meaning: 'Check only this target, or all targets of a kind. There is no mail verdict then: it needs all of them.',
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
    meaning: 'Also print what each check asked, got and did, without secrets. Only with the format table.',
  },
  dotenv: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    command: 'init',
    meaning:
      'A .env file of an application that sends mail. Settings are found by their usual names, such as DATABASE_URL and SMTP_HOST. The output says where the values are, and never holds them.',
  },
  kubernetes: {
    type: 'string',
    multiple: true,
    value: 'NAMESPACE/SECRET',
    command: 'init',
    meaning: 'The same, from a Kubernetes Secret. Outside of a cluster it needs --kubeconfig.',
  },
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    command: 'init',
    meaning: 'How to reach the API server of Kubernetes. Its user needs a token or a client certificate.',
  },
  patroni: {
    type: 'string',
    multiple: true,
    value: 'URL',
    command: 'init',
    meaning: 'The REST API of any Patroni, such as http://db-1:8008. All members of its cluster are written.',
  },
  haproxy: {
    type: 'string',
    multiple: true,
    value: 'URL',
    command: 'init',
    meaning: 'The statistics of a HAProxy, such as http://lb-1:8404/metrics, or its runtime API, a path or host:port.',
  },
  vault: {
    type: 'string',
    multiple: true,
    value: 'URL',
    command: 'init',
    meaning: 'A Vault node, such as https://vault-01:8200. Only its health is read.',
  },
  'ca-file': {
    type: 'string',
    value: 'FILE',
    command: 'init',
    meaning: 'The CA certificate for Patroni, HAProxy and Vault, in PEM. Default: the authorities of the system.',
  },
  output: {
    type: 'string',
    value: 'FILE',
    command: 'init',
    meaning: 'Write to this file, which must not exist yet. Default: standard output.',
  },
  version: { type: 'boolean', meaning: 'Print the version, and exit.' },
  help: { type: 'boolean', short: 'h', meaning: 'Print this, and exit.' },
} as const satisfies Readonly<Record<string, Flag>>

/** A row of a table: a term and its description. */
export type Term = readonly [what: string, meaning: string]

export const exitCodes: readonly Term[] = [
  ['0', 'It ended normally. For check: the verdict is ok.'],
  [
    '1',
    'It cannot go on: for example, the address is in use, or check-config was interrupted. For check: the verdict is warn. For init: a source did not answer, or had nothing to offer; the rest is written all the same.',
  ],
  ['2', 'For check: the verdict is fail.'],
  [
    '3',
    'For check: the verdict is unknown. Also if it was interrupted, or if not all of its output could be written, as with check | head.',
  ],
  ['64', 'The command line is wrong.'],
  ['74', 'For check-config, init, --help and --version: not all of the output could be written.'],
  ['78', 'The configuration is wrong. Every error is printed, with line and column.'],
]

export const signals: readonly Term[] = [
  [
    'SIGHUP',
    'For serve: read the configuration again, all or nothing. It ends other commands. It also ends serve in the first moment, before Node runs the program.',
  ],
  ['SIGTERM, SIGINT', 'End within 1.5 s. Runs in progress are interrupted, and not recorded.'],
  ['SIGQUIT', 'As SIGTERM. There is no core dump, since it would hold every secret.'],
  ['SIGUSR1, SIGUSR2', 'Nothing. By default Node would open its inspector, which shows every secret.'],
]

export const environment: readonly Term[] = [
  ['NAME', 'Whatever a reference {env: NAME} of the configuration names.'],
  ...variables.filter(({ effect }) => effect === 'used').map(({ names, meaning }): Term => [names.join(', '), meaning]),
  [
    variables.flatMap(({ names, effect }) => (effect === 'refused' ? names : [])).join(', '),
    'Refused: it does not start with them.',
  ],
  [
    'HTTP_PROXY, HTTPS_PROXY, PG*, VAULT_*, ...',
    'No effect: only the configuration says what to connect to, and how. See docs/environment.md.',
  ],
]
