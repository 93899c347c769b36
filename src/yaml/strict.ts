import type * as z from 'zod'
import { ConfigError } from '../core/errors.ts'
import { parseYaml } from './parse.ts'
import { problemsOf, translate, type Problems } from './problems.ts'

export type Keys = Readonly<Record<string, unknown>>
export const isKeys = (value: unknown): value is Keys =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Reads a YAML text by a schema. Throws one ConfigError with every problem. `more` adds problems that the schema cannot
 * see. `first` adds problems that replace those of the schema at the same value. `prepare` turns the data of the file
 * into the input of the schema.
 */
export function parseStrictly<T extends z.ZodType>(
  schema: T,
  text: string,
  file: string,
  more: (data: unknown, problems: Problems) => void,
  {
    first = () => undefined,
    prepare = data => data,
  }: {
    readonly first?: (data: unknown, problems: Problems) => void
    readonly prepare?: (data: unknown) => unknown
  } = {},
): z.output<T> {
  const source = parseYaml(text)
  const problems = problemsOf(file, source)
  const { data } = source
  const parsed = schema.safeParse(prepare(data), { error: translate })
  first(data, problems)
  if (isKeys(data)) for (const issue of parsed.error?.issues ?? []) problems.addIssue(issue)
  if (source.problems.length === 0) more(data, problems)
  const error = problems.error()
  if (error) throw error
  if (!parsed.success) throw new ConfigError(`${file}:1:1: expected keys with values`)
  return parsed.data
}
