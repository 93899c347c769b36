import { commands, type Term } from '../../src/cli/flags.ts'
import { sections } from '../../src/cli/help.ts'

const files: readonly Term[] = [
  ['mailpath.yml', 'The configuration, in the working directory unless --config.file says otherwise.'],
  ['/run/credentials/mailpath-exporter.service/', 'The secrets that systemd hands to the unit (LoadCredential=).'],
]

const examples: readonly Term[] = [
  [
    'mailpath-exporter check --config.file=/etc/mailpath/mailpath.yml',
    'Can mail be sent now? The audit, and a verdict.',
  ],
  ['mailpath-exporter check --only=smtp/relay --format=json', 'One target, for a machine.'],
  [
    'mailpath-exporter --web.listen-address=127.0.0.1:10587 --log.format=pretty',
    'Serve on the loopback address alone.',
  ],
]

/** packaging/man/mailpath-exporter.1, in the macros of man(7). */
export function manPage(): string {
  return `${[
    '.\\" Generated from src/cli/flags.ts; `npx vitest run test/packaging/texts.test.ts -u` writes it again.',
    '.TH MAILPATH\\-EXPORTER 1 "" mailpath\\-exporter "User Commands"',
    '.SH NAME',
    'mailpath\\-exporter \\- tells whether mail can be sent, and if not, what to fix',
    '.SH SYNOPSIS',
    '.B mailpath\\-exporter',
    `[${commands.join('|').replaceAll('-', '\\-')}] [options]`,
    '.SH DESCRIPTION',
    'Probes every link that outgoing mail depends on: Postgres nodes, the paths on',
    'which something writes, mail relays, Vault, SES, the settings of the application.',
    'Serves what it finds as Prometheus metrics and a status page, or prints it once',
    'as an audit.',
    'No mail is sent, unless a canary is configured.',
    ...sections().flatMap(([title, rows]) => section(title === 'Exit codes' ? 'EXIT STATUS' : title.toUpperCase(), rows)),
    ...section('FILES', files),
    ...section('EXAMPLES', examples),
    '.SH SEE ALSO',
    '.BR prometheus (1),',
    '.BR systemd.exec (5)',
  ].join('\n')}\n`
}

const section = (title: string, rows: readonly Term[]): string[] => [
  `.SH ${title}`,
  ...rows.flatMap(([what, meaning]) => ['.TP', `.B ${roff(what)}`, sentences(meaning)]),
]

/** A hyphen that is meant as such must not become a typographic one, and a line must not begin like a request. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&')

/** Each on a line of its own, so that roff sees where one ends. */
const sentences = (text: string): string =>
  text
    .split(/(?<=\.) (?=[A-Z])/)
    .map(roff)
    .join('\n')
