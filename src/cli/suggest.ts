import { nearest } from '../yaml/nearest.ts'
import { commands, flags } from './flags.ts'

/** What people try first, from other programs. */
const habits: Readonly<Record<string, string>> = {
  '-c': '--config.file',
  '-f': '--config.file',
  '-v': '--version',
  '-V': '--version',
  '-p': '--web.listen-address',
  '--port': '--web.listen-address',
  '--listen': '--web.listen-address',
  '--json': '--format=json',
  '--markdown': '--format=markdown',
  '--verbose': '--log.level=debug',
  '--quiet': '--log.level=error',
  '-q': '--log.level=error',
  '-o': '--format',
  '--target': '--only',
  validate: 'check-config',
  verify: 'check-config',
  test: 'check-config',
  lint: 'check-config',
  once: 'check',
  probe: 'check',
  generate: 'init',
  run: 'serve',
  start: 'serve',
  version: '--version',
  help: '--help',
}

/** ` Did you mean --config.file?` for an option or a command that does not exist; '' where nothing is near. */
export function suggestion(wrong: string): string {
  // A text editor or a chat makes one long dash of the two.
  const name = wrong.replace(/=.*/s, '').replace(/^[\u2010-\u2015\u2212]+/, '--')
  const meant = Object.hasOwn(habits, name) ? habits[name] : name.startsWith('-') ? flagFor(name) : commandFor(name)
  return meant === undefined ? '' : `. Did you mean ${meant}?`
}

const commandFor = (name: string): string | undefined => nearest(name, commands)

/**
 * A flag of which the name is a part (`--config`, `--level`), one that begins or ends like it (`--conf`, `--env`), or one that
 * is written alike, in whole or from its last dot on.
 */
function flagFor(name: string): string | undefined {
  const dotted = (text: string): string => text.replaceAll(/[_-]/g, '.')
  const plain = dotted(name.replace(/^-+/, ''))
  const names = Object.keys(flags)
  const part = names.find(flag => plain.length > 1 && `.${dotted(flag)}.`.includes(`.${plain}.`))
  const written = new Map(names.flatMap(flag => [flag, flag.replace(/^.*\./, '')].map(one => [dotted(one), flag])))
  const alike = plain.length >= shortest ? names.find(flag => isCut(dotted(flag), plain)) : undefined
  const found = part ?? written.get(nearest(plain, written.keys()) ?? '') ?? alike
  return found === undefined ? undefined : `--${found}`
}

/** Fewer letters fit too many names. */
const shortest = 3

/** Whether a name begins, or ends, with these letters. */
const isCut = (name: string, letters: string): boolean => name.startsWith(letters) || name.endsWith(letters)
