import { logFormats, logLevels } from './core/log.ts'
import { reportFormats } from './render/report.ts'

// What can be said on the command line: parsed by cli.ts, and told by --help, the man page and the completions.

export const commands = ['serve', 'check', 'check-config'] as const
export type Command = (typeof commands)[number]

export const commandMeanings: Readonly<Record<Command, string>> = {
  serve: 'Probe on a timer, and serve metrics and the status page. The default.',
  check: 'Probe once, print the audit, and exit with the verdict.',
  'check-config': 'Check the configuration, and exit 0 or 78. Nothing is probed.',
}

/** A flag, as `parseArgs` of node:util takes it, and what there is to say about it. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  readonly short?: string
  /** What stands for the value in texts: `FILE` is completed with files. */
  readonly value?: 'FILE' | 'TIME' | 'ADDRESS' | 'I/N' | 'LEVEL' | 'FORMAT' | 'KIND/TARGET'
  /** Where only these are allowed. */
  readonly choices?: readonly string[]
  /** What holds where the flag is not given. */
  readonly fallback?: string
  /** The command it goes with; with all of them where there is none. */
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
    meaning: 'Read the configuration anew when its content changes. A bad one is refused, and the one before it holds.',
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
  'web.enable-lifecycle': {
    type: 'boolean',
    command: 'serve',
    meaning: 'Let POST /-/reload read the configuration anew, as SIGHUP does.',
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
    meaning: 'JSON lines for machines, or lines for people. The log goes to standard error.',
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
  version: { type: 'boolean', meaning: 'Print the version, and exit.' },
  help: { type: 'boolean', short: 'h', meaning: 'Print this, and exit.' },
} as const satisfies Readonly<Record<string, Flag>>

/** A row of a table of texts: what it is about, and what is to be said. */
export type Told = readonly [what: string, meaning: string]

export const exitCodes: readonly Told[] = [
  ['0', 'It was ended in order; of check: ok.'],
  ['1', 'It cannot go on, for example because the address is taken; of check: warn.'],
  ['2', 'Of check: fail.'],
  ['3', 'Of check: unknown. Also where it was cut off.'],
  ['64', 'The command line is wrong.'],
  ['78', 'The configuration is wrong. Every error is printed, with line and column.'],
]

export const signals: readonly Told[] = [
  ['SIGHUP', 'Read the configuration anew, all or nothing.'],
  ['SIGTERM, SIGINT', 'End: runs under way are cut off and not recorded. It takes 1.5 s at most.'],
]

export const environment: readonly Told[] = [
  ['NAME', 'Whatever a reference {env: NAME} of the configuration names.'],
  ['NO_COLOR, TERM', 'check prints no colours where NO_COLOR is set or TERM is dumb.'],
  ['KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT', 'The API server, inside of a cluster.'],
  ['CREDENTIALS_DIRECTORY', 'Where the files of credential references are (systemd).'],
  ['LISTEN_FDS, LISTEN_PID', 'The sockets that systemd passes.'],
  ['NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID', 'Set by systemd for a unit of Type=notify, with a watchdog.'],
  ['NODE_EXTRA_CA_CERTS', "A file of certificates to trust besides Node's own (read by Node)."],
  ['HTTP_PROXY, HTTPS_PROXY, PG*, VAULT_*', 'Not heeded: only the configuration says whom to talk to.'],
]
