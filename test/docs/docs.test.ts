import { readFile } from 'node:fs/promises'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { fileSchema } from '../../src/config/schema.ts'
import { probes } from '../../src/probes/index.ts'
import { catalogue } from '../../src/exposition/catalogue.ts'
import { configurationDoc } from '../../docs/generate/config-docs.ts'
import { configSchema, type JsonSchema } from '../../docs/generate/config-schema.ts'
import { environmentDoc } from '../../docs/generate/environment-docs.ts'
import { metricsDoc, reasonsDoc } from '../../docs/generate/docs.ts'
import { postgresUrlsDoc } from '../../docs/generate/postgres-urls.ts'
import { reasonCatalogue } from '../../src/exposition/reasons.ts'

const example = await readFile(new URL('../config/example.yml', import.meta.url), 'utf8')
const views = await readFile(new URL('../config/example-patroni.yml', import.meta.url), 'utf8')
const metrics = catalogue.flatMap(group => group.metrics)

describe('the documents follow from the code', () => {
  it('docs/metrics.md', () => expect(metricsDoc()).toMatchFileSnapshot('../../docs/metrics.md'))
  it('docs/environment.md', () => expect(environmentDoc()).toMatchFileSnapshot('../../docs/environment.md'))
  it('docs/postgres-urls.md', () => expect(postgresUrlsDoc()).toMatchFileSnapshot('../../docs/postgres-urls.md'))
  it('docs/reasons.md', () => expect(reasonsDoc()).toMatchFileSnapshot('../../docs/reasons.md'))
  it('docs/configuration.md', () =>
    expect(configurationDoc(example, views)).toMatchFileSnapshot('../../docs/configuration.md'))
  it('docs/config.schema.json', async () => {
    const text = await format(JSON.stringify(configSchema()), { parser: 'json', printWidth: 120 })
    await expect(text).toMatchFileSnapshot('../../docs/config.schema.json')
  })
})

describe('metrics', () => {
  it('have names of their own', () => {
    expect(new Set(metrics.map(metric => metric.name)).size).toBe(metrics.length)
  })

  it.each(metrics.map(metric => [metric.name, metric] as const))(
    '%s is named and documented as the field does',
    (_, metric) => {
      expect(metric.name).toMatch(/^mailpath_[a-z0-9_]+$/)
      expect(metric.name.endsWith('_total')).toBe(metric.type === 'counter')
      expect(metric.help).toMatch(/^[A-Z][^\n]*\.$/)
      // Prometheus and Kubernetes attach these themselves.
      const taken = [
        'instance',
        'job',
        'namespace',
        'pod',
        'service',
        'container',
        'endpoint',
        'cluster',
        'region',
        'type',
      ]
      for (const label of metric.labels) {
        expect(label).toMatch(/^[a-z][a-z0-9_]*$/)
        expect(taken).not.toContain(label)
      }
    },
  )

  it.each(probes.map(probe => [probe.kind, Object.values(probe.metrics)] as const))(
    'of the probe %s begin with its name',
    (kind, own) => {
      const subject = kind === 'drift' ? 'secret' : kind
      for (const metric of own) expect(metric.name.startsWith(`mailpath_${subject}_`)).toBe(true)
    },
  )
})

describe('reasons', () => {
  const reasons = reasonCatalogue.flatMap(group => Object.entries(group.reasons))

  it('have codes of their own', () => {
    expect(new Set(reasons.map(([code]) => code)).size).toBe(reasons.length)
  })

  it.each(reasons)('%s says what it means and what to do', (_, { meaning, remedy }) => {
    expect(meaning).toMatch(/^.{15,}[.]$/)
    expect(remedy).toMatch(/^.{15,}[.?]$/)
  })
})

describe('the JSON Schema of the configuration', () => {
  const schema = configSchema()

  it.each([
    ['the example', example],
    ['the example with Patroni', views],
  ])('accepts %s', (_, text) => {
    expect(fileSchema.safeParse(parse(text)).success).toBe(true)
    expect(complaints(schema, parse(text), schema)).toEqual([])
  })

  it.each([
    ['an unknown section', { smpt: [] }, ': unknown smpt'],
    ['an unknown key of a target', { smtp: [{ name: 'a', host: 'b', prot: 25 }] }, '.smtp.0: unknown prot'],
    ['a target without a name', { smtp: [{ host: 'b' }] }, '.smtp.0: missing name'],
    ['a secret written out', { smtp: [{ name: 'a', host: 'b', password: 'hunter2' }] }, '.smtp.0.password: not object'],
    ['a reference of two sources', { smtp: [{ name: 'a', host: 'b', password: { env: 'A', file: 'b' } }] }, 'oneOf'],
  ])('refuses %s', (_, file, complaint) => {
    expect(complaints(schema, file, schema).join('\n')).toContain(complaint)
  })

  it('names the reference once, with the descriptions of its sources', () => {
    expect(JSON.stringify(schema).split('"Name of an environment variable of the exporter."')).toHaveLength(2)
  })

  it('describes every key of every target', () => {
    for (const { kind } of probes)
      for (const [key, value] of Object.entries(schema.properties?.[kind]?.items?.properties ?? {}))
        expect(value.description, `${kind}.${key}`).toMatch(/\.$/)
  })

  it('has the defaults as they are written in the file', () => {
    expect(schema.properties?.['interval']?.default).toBe('15s')
  })
})

/** What a validator would say, for as much of JSON Schema as ours uses. */
function complaints(schema: JsonSchema, value: unknown, root: JsonSchema, at = ''): string[] {
  if (schema.$ref) return complaints(root.definitions?.[schema.$ref.split('/').at(-1) ?? ''] ?? {}, value, root, at)
  const each = (list: readonly JsonSchema[]): string[][] => list.map(one => complaints(one, value, root, at))
  const all = each(schema.allOf ?? []).flat()
  if (all.length > 0) return all
  if (schema.anyOf) return each(schema.anyOf).some(found => found.length === 0) ? [] : [`${at}: none of anyOf`]
  const type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value
  if (schema.type && schema.type !== type && !(schema.type === 'number' && type === 'integer'))
    return [`${at}: not ${schema.type}`]
  if (schema.oneOf && each(schema.oneOf).filter(found => found.length === 0).length !== 1) return [`${at}: oneOf`]
  if (typeof value === 'string') return matches(schema, value) ? [] : [`${at}: pattern`]
  if (Array.isArray(value)) return value.flatMap((one, i) => complaints(schema.items ?? {}, one, root, `${at}.${i}`))
  if (typeof value !== 'object' || value === null) return []
  return [
    ...(schema.required ?? []).filter(key => !Object.hasOwn(value, key)).map(key => `${at}: missing ${key}`),
    ...Object.entries(value).flatMap(([key, child]) => {
      const { properties = {}, additionalProperties: rest = true } = schema
      const inner = properties[key] ?? (typeof rest === 'object' ? rest : rest ? {} : undefined)
      return inner ? complaints(inner, child, root, `${at}.${key}`) : [`${at}: unknown ${key}`]
    }),
  ]
}

const matches = ({ pattern, enum: values }: JsonSchema, text: string): boolean =>
  (pattern === undefined || new RegExp(pattern, 'u').test(text)) && (values?.includes(text) ?? true)
