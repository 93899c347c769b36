/** docs/status.schema.json against what the API and `check` answer. */
import { format as prettier, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { apiDoc, endpointMeanings } from '../../docs/generate/api-docs.ts'
import { statusJsonSchema, statusSchema } from '../../docs/generate/status-schema.ts'
import { emptyHistory } from '../../src/history/history.ts'
import { starvedOf } from '../../src/assess/starved.ts'
import { statusFields, statusJson, type StatusJson } from '../../src/report/api.ts'
import { endpoints } from '../../src/web/endpoints.ts'
import { report } from '../../src/report/report.ts'
import { statuses } from '../status/every.ts'
import { healthy } from '../status/pages.ts'
import { statusProblems } from './published.ts'

const parsed = (text: string): unknown => JSON.parse(text)

describe('the schema of the status', () => {
  it('docs/status.schema.json', async () => {
    const file = new URL('../../docs/status.schema.json', import.meta.url).pathname
    const text = await prettier(JSON.stringify(statusJsonSchema()), { ...(await resolveConfig(file)), filepath: file })
    await expect(text).toMatchFileSnapshot('../../docs/status.schema.json')
  })

  it('docs/api.md, with each endpoint', async () => {
    for (const { path } of endpoints) expect(endpointMeanings).toHaveProperty([path])
    await expect(apiDoc(endpoints)).toMatchFileSnapshot('../../docs/api.md')
  })

  it.each(Object.entries(statuses))('takes %s, of the API and of check', (_, make) => {
    const status = make()
    expect(statusProblems(parsed(JSON.stringify(statusJson(status))))).toEqual([])
    expect(statusProblems(parsed(report({ ...status, history: emptyHistory }, { format: 'json' })))).toEqual([])
  })

  it('takes what an exporter says that lacks something', () => {
    const starved = starvedOf([], [{ resource: 'file_descriptors', text: 'is short of file descriptors' }])
    expect(statusProblems(statusJson({ ...healthy(), starved }))).toEqual([])
  })

  it('has the fields that there are, in their order', () =>
    expect(Object.keys(statusSchema.shape)).toEqual(statusFields))

  it('is seen whole: each property is somewhere in what the tests make', () => {
    const seen = new Set<string>()
    const all = Object.values(statuses).map(make => statusJson(make()))
    JSON.stringify(all, (key, value: unknown) => {
      seen.add(key)
      return value
    })
    const named = new Set<string>()
    JSON.stringify(statusJsonSchema(), (key, value: unknown) => {
      if (key === 'properties') for (const name of Object.keys(value as object)) named.add(name)
      return value
    })
    // Of an exporter that lacks something.
    expect([...named].filter(name => !seen.has(name)).sort()).toEqual(['codes', 'resource'])
  })

  it.each<[string, (json: StatusJson) => object]>([
    ['a field more', json => ({ ...json, more: 1 })],
    ['a field less', ({ at: _, ...json }) => json],
    ['an unknown verdict', json => ({ ...json, verdict: 'good' })],
    ['a field more of a check', json => ({ ...json, checks: json.checks.map(one => ({ ...one, config: {} })) })],
  ])('refuses %s', (_, broken) => expect(statusProblems(broken(statusJson(healthy())))).not.toEqual([]))
})
