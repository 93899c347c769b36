import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UsageError, parseCommand, type Options } from '../../src/cli/parse.ts'
import { commands, flags } from '../../src/cli/flags.ts'
import { logFormats, logLevels } from '../../src/core/log.ts'
import { widthOf } from '../../src/cli/width.ts'
import { helpText } from '../../src/cli/help.ts'
import { reportFormats } from '../../src/report/report.ts'

const defaults: Options = {
  command: 'serve',
  configFile: 'mailpath.yml',
  autoReloadMs: undefined,
  enableLifecycle: false,
  allowedHosts: [],
  routePrefix: '',
  stateFile: undefined,
  shard: undefined,
  listen: [{ host: undefined, port: 10587 }],
  webConfigFile: undefined,
  logLevel: 'info',
  logFormat: 'json',
  format: 'table',
  only: [],
  init: {
    dotenv: [],
    kubernetes: [],
    kubeconfig: undefined,
    patroni: [],
    haproxy: [],
    vault: [],
    caFile: undefined,
    output: undefined,
  },
  debug: false,
}

function refusal(...args: string[]): string {
  try {
    parseCommand(args)
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
  throw new Error(`${args.join(' ')} was accepted`)
}

describe('the command line', () => {
  it.each<[string, Partial<Options>]>([
    ['', {}],
    ['serve', {}],
    ['check', { command: 'check' }],
    ['check-config', { command: 'check-config' }],
    ['--version', { command: 'version' }],
    ['--help', { command: 'help' }],
    ['-h', { command: 'help' }],
    ['--config.file=/etc/mailpath.yml', { configFile: '/etc/mailpath.yml' }],
    ['--config.file /etc/mailpath.yml check', { configFile: '/etc/mailpath.yml', command: 'check' }],
    ['--log.level=debug --log.format=pretty', { logLevel: 'debug', logFormat: 'pretty' }],
    ['--log.level=debug --log.level=error', { logLevel: 'error' }],
    ['--web.listen-address=:9100', { listen: [{ host: undefined, port: 9100 }] }],
    ['--web.listen-address=:0', { listen: [{ host: undefined, port: 0 }] }],
    ['--web.listen-address=127.0.0.1:65535', { listen: [{ host: '127.0.0.1', port: 65535 }] }],
    ['--web.listen-address=localhost:80', { listen: [{ host: 'localhost', port: 80 }] }],
    ['--web.listen-address=unix:/run/a.sock', { listen: [{ socket: '/run/a.sock' }] }],
    ['--web.listen-address=unix:///run/a.sock', { listen: [{ socket: '/run/a.sock' }] }],
    [
      '--web.listen-address=:1 --web.listen-address=[::1]:2',
      {
        listen: [
          { host: undefined, port: 1 },
          { host: '::1', port: 2 },
        ],
      },
    ],
    ['--web.config.file=web.yml', { webConfigFile: 'web.yml' }],
    ['--web.listen-address=[::1]:10587', { listen: [{ host: '::1', port: 10587 }] }],
    ['--shard=0/3', { shard: { index: 0, count: 3 } }],
    ['--web.enable-lifecycle', { enableLifecycle: true }],
    ['--web.allowed-host=a.example.com --web.allowed-host=b', { allowedHosts: ['a.example.com', 'b'] }],
    ['--web.route-prefix=mail/', { routePrefix: '/mail' }],
    ['--web.external-url=https://example.com/mail/', { routePrefix: '/mail', allowedHosts: ['example.com'] }],
    ['--web.external-url=http://[::1]:80 --web.allowed-host=a', { allowedHosts: ['a', '::1'] }],
    [
      '--web.external-url=https://example.com/mail --web.route-prefix=/',
      { routePrefix: '', allowedHosts: ['example.com'] },
    ],
    ['check --debug', { command: 'check', debug: true }],
    ['--config.enable-auto-reload', { autoReloadMs: 30_000 }],
    ['--config.enable-auto-reload --config.auto-reload-interval=2m', { autoReloadMs: 120_000 }],
    ['check --format=json', { command: 'check', format: 'json' }],
    ['check --format markdown', { command: 'check', format: 'markdown' }],
    ['check --only=smtp/relay', { command: 'check', only: ['smtp/relay'] }],
    ['check --only=vault --only smtp/relay', { command: 'check', only: ['vault', 'smtp/relay'] }],
    ['--only=vault check', { command: 'check', only: ['vault'] }],
    ['check --format=json --help', { command: 'help', format: 'json' }],
    ['--help --only=vault', { command: 'help', only: ['vault'] }],
    ['--version --help', { command: 'help' }],
  ])('%s', (line, change) => {
    expect(parseCommand(line.split(' ').filter(arg => arg !== ''))).toEqual({ ...defaults, ...change })
  })

  it('takes a target with spaces in its name', () => {
    expect(parseCommand(['check', '--only=write_path/backend DATABASE_URL']).only).toEqual([
      'write_path/backend DATABASE_URL',
    ])
  })

  it.each([
    ['xyzzy', `command must be one of ${commands.join(', ')}, not "xyzzy"`],
    ['probe', `command must be one of ${commands.join(', ')}, not "probe". Did you mean check?`],
    [
      '—config.file=x',
      `command must be one of ${commands.join(', ')}, not "—config.file=x". Did you mean --config.file?`,
    ],
    ['--conf=x', "Unknown option '--conf'. Did you mean --config.file?"],
    ['init --env x', "Unknown option '--env'. Did you mean --dotenv?"],
    ['check --quiet', "Unknown option '--quiet'. Did you mean --log.level=error?"],
    ['check -o json', "Unknown option '-o'. Did you mean --format?"],
    ['--config.file=', '--config.file must be the path of a file, not ""'],
    ['--state.file=', '--state.file must be the path of a file, not ""'],
    ...['/pä', '/a%2Fb', '/a;b'].map(text => [
      `--web.external-url=https://example.com${text}`,
      '--web.external-url must have a path such as /mail, of plain letters, digits and . _ ~ -',
    ]),
    ['chek', `command must be one of ${commands.join(', ')}, not "chek". Did you mean check?`],
    ['validate', `command must be one of ${commands.join(', ')}, not "validate". Did you mean check-config?`],
    ['check now please', 'unexpected argument now please'],
    ['--config=x', "Unknown option '--config'. Did you mean --config.file?"],
    ['--config.files=x', "Unknown option '--config.files'. Did you mean --config.file?"],
    ['--config-file=x', "Unknown option '--config-file'. Did you mean --config.file?"],
    ['--listen-adress=:1', "Unknown option '--listen-adress'. Did you mean --web.listen-address?"],
    ['-c x', "Unknown option '-c'. Did you mean --config.file?"],
    ['check --json', "Unknown option '--json'. Did you mean --format=json?"],
    ['--xyzzy', "Unknown option '--xyzzy'"],
    ['--constructor', "Unknown option '--constructor'"],
    ['check --debug --format=json', '--debug goes with --format=table'],
    ['--debug', '--debug goes with the command check'],
    ...['/../x', '//a', '/a%20b', '/é', '/a;b'].map(text => [
      `--web.route-prefix=${text}`,
      `--web.route-prefix must be a path such as /mail, not "${text}"`,
    ]),
    ...['example.com', 'ftp://x', 'https://u:p@h/', 'https://h/?a', 'https://h/#a', '"https://h"'].map(text => [
      `--web.external-url=${text}`,
      `--web.external-url must be a URL such as https://example.com/mail, without user, query and fragment`,
    ]),
    ['--config.file', "Option '--config.file <value>' argument missing"],
    ['--config.file --log.level=info', "Option '--config.file' argument is ambiguous"],
    ['--version=1', "Option '--version' does not take an argument"],
    ['--log.level=trace', '--log.level must be one of debug, info, warn, error, not "trace"'],
    ['--log.level=', '--log.level must be one of debug, info, warn, error, not ""'],
    ['--log.format=text', '--log.format must be one of json, pretty, not "text"'],
    ...['0', '500ms', 'soon'].map(time => [
      `--config.enable-auto-reload --config.auto-reload-interval=${time}`,
      `--config.auto-reload-interval must be a time of 1s or more, such as 30s, not "${time}"`,
    ]),
    ...['3/3', '1', '-1/3', 'a/b', '0/0'].map(text => [
      `--shard=${text}`,
      `--shard must be I/N with I from 0 to N-1, such as 0/3, not "${text}"`,
    ]),
    [
      '--web.allowed-host=a.example.com:80',
      '--web.allowed-host must be a name without a port, such as mail.example.com, not "a.example.com:80"',
    ],
    ['check --format=yaml', '--format must be one of table, markdown, json, not "yaml"'],
    ['--format=json', '--format goes with the command check'],
    ['serve --only=vault', '--only goes with the command check'],
    ['check-config --format table', '--format goes with the command check'],
    ...['10587', ':', 'localhost', '::1:10587', ':65536', ':-1', '[::1]', 'http://x:1', ''].map(address => [
      `--web.listen-address=${address}`,
      `--web.listen-address must be [HOST]:PORT, such as :10587 or 127.0.0.1:10587, or unix:/PATH, not "${address}"`,
    ]),
  ])('%s is refused', (line, message) => {
    expect(refusal(...line.split(' '))).toBe(message)
  })

  it('says what is wrong in one line, whatever the flag holds', () => {
    expect(refusal('--log.level=a\nb')).toBe('--log.level must be one of debug, info, warn, error, not "a\\nb"')
    expect(refusal('--config.file', '-x')).not.toContain('\n')
  })
})

it.each([
  [undefined, undefined, 100],
  [undefined, 90, 90],
  [undefined, 200, 140],
  ['200', undefined, 200],
  ['80', 120, 80],
  ['', 120, 120],
  ['-1', undefined, 100],
  ['1e3', undefined, 100],
])('with COLUMNS=%s and a terminal of %s, check prints %i columns', (given, terminal, width) =>
  expect(widthOf(given, terminal)).toBe(width),
)

describe('the usage', () => {
  it('has every command, flag, value and default', () => {
    const usage = helpText()
    for (const command of commands) expect(usage).toContain(command)
    for (const flag of Object.keys(flags)) expect(usage).toContain(`--${flag}`)
    for (const value of [...logLevels, ...logFormats, ...reportFormats, 'mailpath.yml', ':10587'])
      expect(usage).toContain(value)
  })

  it('names pages that there are', () => {
    const pages = [...helpText().matchAll(/docs\/[\w-]+\.md/g)].map(([page]) => page)
    expect(pages.length).toBeGreaterThan(0)
    for (const page of pages) expect(existsSync(new URL(`../../${page}`, import.meta.url)), page).toBe(true)
  })
})
