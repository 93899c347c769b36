import { commandMeanings, commands, environment, exitCodes, flags, signals, type Flag, type Term } from './flags.ts'
import { cell, tableLines } from '../report/table.ts'

/** Columns that every terminal has. */
const width = 100

/** What --help prints. */
export function helpText(): string {
  return [
    `Usage: mailpath-exporter [${commands.join('|')}] [options]`,
    '',
    'Whether this platform can send mail right now, and if not, what to fix.',
    ...sections().flatMap(([title, rows]) => [
      '',
      `${title}:`,
      ...tableLines(
        rows.map(row => row.map(text => cell(text))),
        width,
      ),
    ]),
    '',
    'See docs/configuration.md for the configuration, and docs/running.md for how to run it.',
    '',
  ].join('\n')
}

/** What there is to say of the command line, for --help and the man page. */
export const sections = (): readonly (readonly [title: string, rows: readonly Term[]])[] => [
  ['Commands', commands.map(command => [command, commandMeanings[command]])],
  ['Options', optionsOf(undefined)],
  ['Options of serve', optionsOf('serve')],
  ['Options of check', optionsOf('check')],
  ['Options of init', optionsOf('init')],
  ['Exit codes', exitCodes],
  ['Signals', signals],
  ['Environment', environment],
]

/** The flags of this command alone, or without a command those of all. */
const optionsOf = (command: Flag['command']): Term[] =>
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
