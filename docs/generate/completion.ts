import { commandMeanings, commands, flags, type Flag } from '../../src/cli/flags.ts'
import { probes } from '../../src/probes/index.ts'

const header = '# Generated from src/cli/flags.ts; `npx vitest run test/packaging/texts.test.ts -u` writes it again.'
const all = Object.entries<Flag>(flags)
const kinds = probes.map(probe => probe.kind)

/** The words a value is one of, or may begin with. */
const wordsOf = ({ choices, value }: Flag): readonly string[] => choices ?? (value === 'KIND/TARGET' ? kinds : [])

/** packaging/completion/mailpath-exporter.bash. Needs no bash-completion. */
export function bashCompletion(): string {
  const values = all.flatMap(([name, flag]) => {
    const words = wordsOf(flag)
    if (flag.value === 'FILE') return [`    --${name}) ${compgen('-f')} && compopt -o filenames 2>/dev/null ;;`]
    if (words.length > 0) return [`    --${name}) ${compgen(wordList(words))} ;;`]
    return flag.type === 'string' ? [`    --${name}) ;;`] : []
  })
  return `${header}
# shellcheck shell=bash

_mailpath_exporter() {
  local word=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]} equals=
  # Readline takes --flag=value for three words.
  if [[ $word == = ]]; then
    word=
    equals=yes
  elif [[ $flag == = && $COMP_CWORD -ge 2 ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
    equals=yes
  fi
  COMPREPLY=()
  case $flag in
${values.join('\n')}
    *)
      [[ -n $equals ]] && return
      if [[ $word == -* ]]; then
        ${compgen(wordList(all.map(([name, flag]) => `--${name}${flag.type === 'string' ? '=' : ''}`)))}
        [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
      else
        ${compgen(wordList(commands))}
      fi
      ;;
  esac
  return 0
}

complete -F _mailpath_exporter mailpath-exporter
`
}

const wordList = (words: readonly string[]): string => `-W '${words.join(' ')}'`
const compgen = (what: string): string => `mapfile -t COMPREPLY < <(compgen ${what} -- "$word")`

/** packaging/completion/_mailpath-exporter, for zsh. */
export function zshCompletion(): string {
  const specs = all.map(([name, flag]) => {
    const { type, multiple, short, value = '', meaning } = flag
    const words = wordsOf(flag)
    const action = value === 'FILE' ? '_files' : words.length > 0 ? `(${words.join(' ')})` : ' '
    const rest = `[${zshText(meaning)}]${type === 'string' ? `:${zshText(value)}:${action}` : ''}`
    const long = `--${name}${type === 'string' ? '=' : ''}`
    if (short !== undefined) return `  '(-${short} --${name})'{-${short},${long}}'${rest}'`
    return `  '${multiple === true ? '*' : ''}${long}${rest}'`
  })
  const words = commands.map(command => `${command}\\:"${zshText(commandMeanings[command])}"`)
  return `#compdef mailpath-exporter
${header}

_arguments \\
${[...specs, `  '1:command:((${words.join(' ')}))'`].join(' \\\n')}
`
}

/** Inside of single quotes, brackets and colons. */
const zshText = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''")

/** packaging/completion/mailpath-exporter.fish */
export function fishCompletion(): string {
  const began = `not __fish_seen_subcommand_from ${commands.join(' ')}`
  return `${[
    header,
    'complete -c mailpath-exporter -f',
    ...commands.map(
      command => `complete -c mailpath-exporter -n '${began}' -a ${command} -d ${quoted(commandMeanings[command])}`,
    ),
    ...all.map(([name, flag]) => `complete -c mailpath-exporter ${fishOption(name, flag)} -d ${quoted(flag.meaning)}`),
  ].join('\n')}\n`
}

function fishOption(name: string, flag: Flag): string {
  const words = wordsOf(flag)
  return [
    ...(flag.short === undefined ? [] : [`-s ${flag.short}`]),
    `-l ${name}`,
    ...(flag.type === 'boolean' ? [] : [flag.value === 'FILE' ? '-rF' : '-x']),
    ...(words.length > 0 ? [`-a '${words.join(' ')}'`] : []),
  ].join(' ')
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`
