import * as z from 'zod'
import { reference } from '../../src/fields/index.ts'
import { markKeys } from '../../src/fields/marked.ts'
import { fileSchema } from '../../src/config/schema.ts'

/** What of JSON Schema a configuration needs. https://json-schema.org/draft-07/json-schema-validation */
export interface JsonSchema {
  readonly $schema?: string
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly type?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly definitions?: Readonly<Record<string, JsonSchema>>
}

export const referenceRef = '#/definitions/reference'

/**
 * The configuration file as JSON Schema, for editors: draft 7, which all of them know. It is checked against what is
 * written in the file; what no schema can say (names that must exist, timeout < interval) only `check-config` knows.
 */
export function configSchema(): JsonSchema {
  const { $schema, ...file } = toJsonSchema(fileSchema)
  const { $schema: _, ...definition } = toJsonSchema(reference)
  return {
    ...($schema !== undefined && { $schema }),
    title: 'Configuration of mailpath-exporter',
    ...file,
    definitions: {
      reference: {
        description: 'A value that is fetched when needed. Exactly one source is given.',
        ...definition,
        oneOf: referenceSources.map(required => ({ required })),
      },
    },
  }
}

/** The keys each kind of reference is made of. */
export const referenceSources = [
  ['env'],
  ['file'],
  ['credential'],
  ['dotenv', 'key'],
  ['ini', 'section', 'key'],
  ['kubernetes'],
  ['vault'],
] as const

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema, path }) {
      // Zod leaves out the default of what is transformed: it would be 15000 where the file says 15s.
      const written = z.globalRegistry.get(zodSchema)?.['default']
      if (written !== undefined) jsonSchema.default = written
      for (const mark of markKeys) Reflect.deleteProperty(jsonSchema, mark)
      const isReference = (zodSchema as unknown) === reference && path.length > 0
      if (isReference || jsonSchema['onlyReference'] === true) referTo(jsonSchema)
    },
  }) as JsonSchema
}

/** Leaves of a schema only its description, and the reference. In draft 7 what stands beside `$ref` does not count. */
function referTo(schema: Record<string, unknown>): void {
  const { description } = schema
  for (const key of Object.keys(schema)) Reflect.deleteProperty(schema, key)
  if (description === undefined) schema['$ref'] = referenceRef
  else Object.assign(schema, { description, allOf: [{ $ref: referenceRef }] })
}
