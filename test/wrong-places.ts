import { parseConfig } from '../src/config/load.ts'
import { configSchema, type JsonSchema } from '../docs/generate/config-schema.ts'

/** A place in the configuration that takes a reference. */
interface Place {
  readonly kind: string
  /** Below the target; `*` for any name, a number for an item of a list. */
  readonly path: readonly (string | number)[]
  /** A plain value may stand there too, so it may be shown. */
  readonly plain: boolean
}

/** Every place of every probe, as the schema has them: a new one is among them by itself. */
export function referencePlaces(): Place[] {
  const { properties = {} } = configSchema()
  return Object.entries(properties).flatMap(([kind, section]) =>
    section.items === undefined ? [] : placesIn(section.items).map(place => ({ kind, ...place })),
  )
}

function placesIn(schema: JsonSchema, path: Place['path'] = []): Omit<Place, 'kind'>[] {
  const branches = [...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...(schema.oneOf ?? [])]
  const here = [schema, ...branches].some(branch => branch.$ref !== undefined)
  const plain = branches.some(({ type }) => type === 'string' || type === 'number' || type === 'integer')
  const any = typeof schema.additionalProperties === 'object' ? [['*', schema.additionalProperties] as const] : []
  const items = schema.items === undefined ? [] : [[0, schema.items] as const]
  const below = [...Object.entries(schema.properties ?? {}), ...any, ...items]
  return [
    ...(here ? [{ path, plain }] : []),
    ...branches.filter(branch => branch.$ref === undefined).flatMap(branch => placesIn(branch, path)),
    ...below.flatMap(([key, child]) => placesIn(child, [...path, key])),
  ]
}

/** What is in the wrong place, by what it is. */
export const wrongForms = (secret: string): Readonly<Record<string, string>> => {
  const encoded = encodeURIComponent(secret)
  return {
    'a URL with a password': `smtp://app:${encoded}@relay.invalid:587/app?tls=1`,
    'a URL with a raw password': `postgres://app:Kq7@${secret}#41@db.invalid:5432/shop`,
    'a key in PEM': `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
    'a JSON document': JSON.stringify({ host: 'relay.invalid', password: secret, port: 587 }, null, 1),
    'user:password@host': `app:${secret}@relay.invalid`,
    'text of several lines': `relay.invalid\n${secret}\n587`,
    'in quotes': `"${secret}"`,
  }
}

/** A target of the kind that would do, for the places in it; where keys exclude each other there is one for each. */
type Bases = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

/** The target with a reference to `variable` at a place of it; undefined where no base allows one there. */
export function targetWith(bases: Bases, { kind, path }: Place, name: string, variable: string): unknown {
  const made = (bases[kind] ?? []).map(base => ({ ...(put(base, path, { env: variable }) as object), name }))
  return made.find(target => isValid({ [kind]: [target] }))
}

function put(below: unknown, [key, ...rest]: Place['path'], value: unknown): unknown {
  if (key === undefined) return value
  const given = typeof below === 'object' && below !== null ? (below as Readonly<Record<string, unknown>>) : {}
  if (typeof key === 'number') return [put(Array.isArray(below) ? below[0] : undefined, rest, value)]
  const name = key === '*' ? (Object.keys(given)[0] ?? 'any') : key
  return { ...given, [name]: put(given[name], rest, value) }
}

function isValid(config: object): boolean {
  try {
    // There has to be a target besides `mail`, and a relay that a canary leaves by.
    const packages = [{ name: 'other', folder: '/app', require: ['other'] }]
    const smtp = [{ name: 'echoes', host: 'relay.example' }]
    parseConfig(JSON.stringify({ packages, smtp, ...config }), 'mailpath.yml')
    return true
  } catch {
    return false
  }
}
