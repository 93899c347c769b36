/** `/api/v1/status?fields=` */
import { describe, expect, it } from 'vitest'
import { statusFields, statusJson } from '../../src/report/api.ts'
import { ask, serving, type Served } from './serving.ts'

const status = async (web: Served, query: string) => {
  const answer = await ask(web, { path: `/api/v1/status${query}` })
  return { ...answer, json: answer.status === 200 ? (JSON.parse(answer.body) as Record<string, unknown>) : {} }
}

describe('?fields=', () => {
  it('gives only those, each as in the whole', async () => {
    const web = await serving()
    await web.monitor.runAll(new AbortController().signal)
    const { json, headers } = await status(web, '?fields=checks,verdict')
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(Object.keys(json)).toEqual(['verdict', 'checks'])
    const { verdict, checks } = statusJson(web.monitor.status())
    expect(json).toEqual(JSON.parse(JSON.stringify({ verdict, checks })))
    expect((await status(web, '?fields=verdict&fields=checks')).json).toEqual(json)
  })

  it('gives all of them by name as without a name', async () => {
    const web = await serving()
    const [all, named] = [await status(web, ''), await status(web, `?fields=${statusFields.join(',')}`)]
    expect(Object.keys(named.json)).toEqual(Object.keys(all.json))
  })

  it.each(['?fields=check', '?fields=', '?fields=verdict,', '?fields=toString'])(
    '%s: names those that there are',
    async query => {
      const { status: code, body } = await status(await serving(), query)
      expect([code, body]).toEqual([400, `a field is not known; those that there are: ${statusFields.join(', ')}\n`])
    },
  )

  it.each(['?field=verdict', '?fields=verdict&pretty'])('%s: names the parameter', async query => {
    const { status: code, body } = await status(await serving(), query)
    expect([code, body]).toEqual([400, 'the parameter here is fields\n'])
  })
})
