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
  '--target': '--only',
  validate: 'check-config',
  verify: 'check-config',
  test: 'check-config',
  run: 'serve',
  start: 'serve',
  version: '--version',
  help: '--help',
}

/** ` Did you mean --config.file?` for an option or a command that does not exist; '' where nothing is near. */
export function suggestion(wrong: string): string {
  const name = wrong.replace(/=.*/s, '')
  const meant = Object.hasOwn(habits, name) ? habits[name] : name.startsWith('-') ? flagFor(name) : commandFor(name)
  return meant === undefined ? '' : `. Did you mean ${meant}?`
}

const commandFor = (name: string): string | undefined => nearest(name, commands)

/** A flag of which the name is a part (`--config`, `--level`), or one that is written alike, in whole or from its last dot on. */
function flagFor(name: string): string | undefined {
  const dotted = (text: string): string => text.replaceAll(/[_-]/g, '.')
  const plain = dotted(name.replace(/^-+/, ''))
  const names = Object.keys(flags)
  const part = names.find(flag => plain.length > 1 && `.${dotted(flag)}.`.includes(`.${plain}.`))
  const written = new Map(names.flatMap(flag => [flag, flag.replace(/^.*\./, '')].map(one => [dotted(one), flag])))
  const found = part ?? written.get(nearest(plain, written.keys()) ?? '')
  return found === undefined ? undefined : `--${found}`
}
