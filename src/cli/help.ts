import { commandMeanings, commands, environment, exitCodes, flags, signals, type Flag, type Row } from './flags.ts'
import { cell, tableLines } from '../report/table.ts'

/** Columns that every terminal has. */
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

function section(title: string, rows: readonly Row[]): string[] {
  return [
    '',
    `${title}:`,
    ...tableLines(
      rows.map(row => row.map(text => cell(text))),
      width,
    ),
  ]
}

/** The flags of this command alone, or without a command those of all. */
export const optionsOf = (command: Flag['command']): Row[] =>
  Object.entries<Flag>(flags)
    .filter(([, flag]) => flag.command === command)
    .map(([name, flag]) => [written(name, flag), meaningOf(flag)])

/** As `--log.level=LEVEL`. */
const written = (name: string, { value, short }: Flag): string =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : `=${value}`}`

/** With its allowed values, whether it repeats, and its default. */
function meaningOf({ meaning, choices, multiple, fallback }: Flag): string {
  return [
    meaning,
    ...(choices ? [`One of ${choices.join(', ')}.`] : []),
    ...(multiple ? ['May be given several times.'] : []),
    ...(fallback === undefined ? [] : [`Default: ${fallback}.`]),
  ].join(' ')
}
