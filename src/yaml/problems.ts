import type * as z from 'zod'
import { ConfigError, oneLine } from '../core/errors.ts'
import { expects } from './expects.ts'
import { valueAt, type Path, type Source } from './parse.ts'

/** What is wrong with a file, collected so that all of it is reported at once. */
export interface Problems {
  /** The message says what is wrong and what to write instead. */
  readonly add: (path: Path, message: string) => void
  /** Adds an issue of the schema, unless something was added to the same value before. */
  readonly addIssue: (issue: z.core.$ZodIssue) => void
  /** Every problem as `file:line:col: path: message`, in the order of the file; undefined if there is none. */
  readonly error: () => ConfigError | undefined
}

/** A file of another kind has a problem in each line. */
const maxShown = 50

export function problemsOf(file: string, source: Source): Problems {
  const lines = [...source.problems]
  const push = (position: string, path: Path, message: string): void => {
    lines.push({ position, text: path.length === 0 ? message : `${written(path)}: ${message}` })
  }
  const added = new Set<string>()
  const addIssue = (issue: z.core.$ZodIssue, above: Path = []): void => {
    const path = [...above, ...issue.path]
    if (added.has(written(path))) return
    if (issue.code === 'invalid_union') for (const inner of likeliest(issue.errors)) addIssue(inner, path)
    else if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys)
        push(source.keyPosition([...path, key]), path, `${unknownKey(source.data, path, key)}; ${issue.message}`)
    else if (issue.code === 'invalid_key')
      push(source.keyPosition(path), path, issue.issues.map(({ message }) => message).join(', '))
    else push(source.position(path), path, issue.message)
  }
  return {
    add(path, message) {
      added.add(written(path))
      push(source.position(path), path, message)
    },
    addIssue,
    error() {
      if (lines.length === 0) return undefined
      const sorted = lines.toSorted((a, b) => order(a.position) - order(b.position))
      const shown = sorted.slice(0, maxShown).map(({ position, text }) => `${file}:${position}: ${text}`)
      const more = lines.length > maxShown ? [`${file}: and ${lines.length - maxShown} more problems`] : []
      return new ConfigError([...shown, ...more].join('\n'))
    },
  }
}

/** A key without a value is not repeated: `password: {hunter2}` is a secret in the wrong brackets. */
const unknownKey = (data: unknown, path: Path, key: string): string =>
  valueAt(data, [...path, key]) === null ? 'unknown key without a value' : `unknown key ${oneLine(key)}`

/** `postgres[0].password` */
const written = (path: Path): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${oneLine(String(key))}`)).join('')

const order = (position: string): number => {
  const [line, column] = position.split(':')
  return Number(line) * 1e7 + Number(column)
}

/** The issues of the branch that was meant: the one whose type fits. */
function likeliest(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const fits = branches.find(issues => !issues.some(issue => issue.code === 'invalid_type' && issue.path.length === 0))
  return fits ?? branches[0]?.slice(0, 1) ?? []
}

const types: Readonly<Record<string, string>> = {
  record: 'a section with keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false, not in quotes',
}

/** Zod's issue as a sentence. Never quotes the value: it may be a secret. */
export function translate(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return wrongType(issue.input, issue.expected)
  if (issue.code === 'invalid_value')
    return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_small')
    return isNumber(issue.origin) ? `must be ${issue.minimum} or more` : 'must not be empty'
  if (issue.code === 'too_big') return isNumber(issue.origin) ? `must be ${issue.maximum} or less` : 'is too long'
  return undefined
}

function wrongType(input: unknown, expected: string): string {
  const isScalar = typeof input === 'number' || typeof input === 'boolean'
  if (expected === 'string' && isScalar) return 'expected text; put the value in quotes'
  return expects(types[expected] ?? expected)({ input })
}

const isNumber = (origin: string): boolean => origin === 'number' || origin === 'int'
