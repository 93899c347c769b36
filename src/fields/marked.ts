import * as z from 'zod'
import type { Path } from '../yaml/parse.ts'
import { isKeys } from '../yaml/strict.ts'

/** Facts about the text of a field apart from its type, in `.meta()`. */
interface Marks {
  /** The text is the path of a file or a folder. */
  readonly path?: boolean
  /** The text names something in the file: a target of a kind (`smtp`), or a key of targets (`postgres.cluster`). */
  readonly names?: string
  /** With `names`: allowed without any such target, if the file has none of the kind. */
  readonly orNone?: boolean
}

/** Marks that are of no use in the JSON Schema. */
export const markKeys = ['path', 'names', 'orNone'] as const satisfies (keyof Marks)[]

/**
 * Walks through a value and its schema, and returns a copy in which `change` has replaced each marked text. What does
 * not fit the schema stays unchanged.
 */
export function mapMarked(
  schema: z.core.$ZodType,
  value: unknown,
  change: (text: string, marks: Marks, path: Path) => string,
  path: Path = [],
): unknown {
  const below = (inner: z.core.$ZodType, child: unknown, step: Path = []): unknown =>
    mapMarked(inner, child, change, [...path, ...step])
  if (typeof value === 'string') {
    const marks: Marks & Readonly<Record<string, unknown>> = z.globalRegistry.get(schema) ?? {}
    if (marks.path === true || marks.names !== undefined) return change(value, marks, path)
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return below(schema.unwrap(), value)
  if (schema instanceof z.ZodPipe) return below(schema.out, below(schema.in, value))
  if (schema instanceof z.ZodUnion) return schema.options.reduce<unknown>((so, option) => below(option, so), value)
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((item: unknown, index) => below(schema.element, item, [index]))
  if (!isKeys(value)) return value
  const fieldOf = fieldsOf(schema)
  if (!fieldOf) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]: [string, unknown]) => {
      const field = fieldOf(key)
      return [key, field ? below(field, child, [key]) : child]
    }),
  )
}

/** The schema of each key of an object; undefined if it is no object. */
function fieldsOf(schema: z.core.$ZodType): ((key: string) => z.core.$ZodType | undefined) | undefined {
  if (schema instanceof z.ZodRecord) return () => schema.valueType
  if (!(schema instanceof z.ZodObject)) return undefined
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape
  return key => (Object.hasOwn(shape, key) ? shape[key] : undefined)
}
