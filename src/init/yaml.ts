import { visible } from '../core/shown.ts'

/** What is written in one line behind a key. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value }

/** A key of an entry, its value, and the comment behind it. */
export type Line = readonly [key: string, value: Value, comment?: string]

/** A target, as it is written into its section. */
export interface Entry {
  /** Comments above it, a line each. */
  readonly notes?: readonly string[]
  readonly lines: readonly Line[]
  /** Written as a comment: something is missing that only a person knows. */
  readonly off?: boolean
}

/** The entries of a kind of target, or the keys of a section without a list (`kubernetes`). */
export interface Section {
  readonly kind: string
  /** Comment behind the key of the section. */
  readonly about?: string
  readonly entries: readonly Entry[]
  readonly isList: boolean
}

/** The name of the target; undefined for one that is only a comment. */
export const nameOf = ({ lines, off = false }: Entry): string | undefined => {
  const [, name] = lines.find(([key]) => key === 'name') ?? []
  return off || typeof name !== 'string' ? undefined : name
}

/** A configuration with these sections. Those without an entry are left out. */
export const documentOf = (head: readonly string[], sections: readonly Section[]): string =>
  [head.map(comment).join('\n'), ...sections.filter(({ entries }) => entries.length > 0).map(sectionText)].join(
    '\n\n',
  ) + '\n'

function sectionText({ kind, about, entries, isList }: Section): string {
  const isOff = entries.every(({ off = false }) => off)
  const title = `${isOff ? '# ' : ''}${kind}:${about === undefined ? '' : ` ${comment(about)}`}`
  return [title, ...entries.flatMap(entry => entryLines(entry, isList))].join('\n')
}

function entryLines({ notes = [], lines, off = false }: Entry, isList: boolean): readonly string[] {
  const mark = off ? '# ' : ''
  const written = lines.flatMap(([key, value, behind], i) => {
    const begin = isList ? (i === 0 ? '- ' : '  ') : ''
    const [first, ...below] = valueLines(value)
    const title = `${begin}${key}:${first === '' ? '' : ` ${String(first)}`}${behind === undefined ? '' : ` ${comment(behind)}`}`
    return [title, ...below.map(line => `${isList ? '    ' : '  '}${line}`)]
  })
  return [...notes.map(note => `  ${comment(note)}`), ...written.map(line => `${mark}  ${line}`)]
}

/** Behind the key if that is short, else a line below it for each key of the map. */
const widest = 60
function valueLines(value: Value): readonly string[] {
  const text = inline(value)
  if (typeof value !== 'object' || isList(value) || text.length <= widest) return [text]
  const pairs = Object.entries(value)
  if (!pairs.every(([, below]) => typeof below === 'object')) return [text]
  return ['', ...pairs.map(([key, below]) => `${scalar(key)}: ${inline(below)}`)]
}

/** Longer than any note of ours. */
const longest = 400
const comment = (text: string): string => `# ${visible(text, longest)}`.trimEnd()

function inline(value: Value): string {
  if (typeof value === 'string') return scalar(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (isList(value)) return `[${value.map(inline).join(', ')}]`
  const pairs = Object.entries(value).map(([key, below]) => `${scalar(key)}: ${inline(below)}`)
  return `{ ${pairs.join(', ')} }`
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value)

const words = /^[A-Za-z_/][\w/.-]*(?: [A-Za-z_(][\w/.()-]*)*$/
const address = /^[a-z]+:\/\/[\w.:@/-]*[\w/]$/
/** YAML 1.1 takes them for something else than text. */
const reserved = /^(?:true|false|yes|no|on|off|null|y|n)$/i

/** Text as it is where that is safe, also within brackets; else in quotes, since JSON is YAML. */
const scalar = (text: string): string =>
  (words.test(text) && !reserved.test(text)) || address.test(text) ? text : JSON.stringify(text)
