import { commandMeanings, commands, environment, exitCodes, flags, signals, type Flag, type Told } from './flags.ts'
import { cell, tableLines } from '../report/table.ts'

/** Columns of a terminal that everyone has. */
const width = 100

/** What --help prints. */
export function helpText(): string {
  return [
    'Usage: mailpath-exporter [serve|check|check-config] [options]',
    '',
    'Whether this platform can send mail right now, and if not, what to fix.',
    ...section(
      'Commands',
      commands.map(command => [command, commandMeanings[command]]),
    ),
    ...section('Options', optionsOf(undefined)),
    ...section('Options of serve', optionsOf('serve')),
    ...section('Options of check', optionsOf('check')),
    ...section('Exit codes', exitCodes),
    ...section('Signals', signals),
    ...section('Environment', environment),
    '',
    'See docs/configuration.md for the configuration, and docs/running.md for how to run it.',
    '',
  ].join('\n')
}

function section(title: string, rows: readonly Told[]): string[] {
  return [
    '',
    `${title}:`,
    ...tableLines(
      rows.map(row => row.map(text => cell(text))),
      width,
    ),
  ]
}

/** The flags that go with this command alone; without one, those that go with all of them. */
export const optionsOf = (command: Flag['command']): Told[] =>
  Object.entries<Flag>(flags)
    .filter(([, flag]) => flag.command === command)
    .map(([name, flag]) => [written(name, flag), meaningOf(flag)])

/** As `--log.level=LEVEL`. */
const written = (name: string, { value, short }: Flag): string =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : `=${value}`}`

/** With what it may be, how often it may be given, and what holds without it. */
function meaningOf({ meaning, choices, multiple, fallback }: Flag): string {
  return [
    meaning,
    ...(choices ? [`One of ${choices.join(', ')}.`] : []),
    ...(multiple ? ['May be given several times.'] : []),
    ...(fallback === undefined ? [] : [`Default: ${fallback}.`]),
  ].join(' ')
}
