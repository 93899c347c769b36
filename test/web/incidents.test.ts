import { expect, it } from 'vitest'
import type { Past } from '../../src/history/remember.ts'
import { shiftPast } from '../history/past.ts'
import { after, during, hour, minute } from '../history/looks.ts'
import { ask, serving } from './serving.ts'

const down = ['smtp/relay smtp_unreachable'] as const
/** Two incidents, both over. */
function twoIncidents(): Past {
  const past = after([
    ...during(0, minute, { app: 'ok' }),
    ...during(minute, 2 * minute, { app: down }),
    ...during(2 * minute, hour, { app: 'ok' }),
    ...during(hour, hour + minute, { app: down }),
    [hour + minute, { app: 'ok' }],
  ])
  return shiftPast(past, Date.now() - past.at)
}
const served = () => serving({ past: twoIncidents() })

it('is a page, JSON or Markdown, by the query or by what the client accepts', async () => {
  const web = await served()
  const typeOf = async (path: string, accept?: string) =>
    (await ask(web, { path, ...(accept && { headers: { accept } }) })).headers['content-type']
  const [html, json, markdown] = ['text/html', 'application/json', 'text/markdown'].map(one => `${one}; charset=utf-8`)
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  expect(await Promise.all([typeOf('/incidents'), typeOf('/incidents', '*/*'), typeOf('/incidents', browser)])).toEqual(
    [html, html, html],
  )
  expect(await Promise.all(['json', 'markdown', 'html'].map(one => typeOf(`/incidents?format=${one}`)))).toEqual([
    json,
    markdown,
    html,
  ])
  expect(await typeOf('/incidents', 'application/json')).toBe(json)
  expect(await typeOf('/incidents', 'text/html;q=0.5, text/markdown')).toBe(markdown)
  expect(await typeOf('/incidents?format=html', 'application/json')).toBe(html)
})

it('is of all incidents, or of one', async () => {
  const web = await served()
  const numbers = async (path: string) => {
    const { incidents } = JSON.parse((await ask(web, { path })).body) as { incidents: { number: number }[] }
    return incidents.map(({ number }) => number)
  }
  expect(await numbers('/incidents?format=json')).toEqual([2, 1])
  expect(await numbers('/incidents?format=json&number=1')).toEqual([1])
  const { body } = await ask(web, { path: '/incidents?number=1' })
  expect(body.match(/<section/g)).toHaveLength(1)
})

it.each([
  ['/incidents?number=3', 404, 'incident 3 is not known, or no longer kept\n'],
  ['/incidents?number=x', 400, 'number is that of an incident\n'],
  ['/incidents?format=xml', 400, 'format is one of html, json, markdown\n'],
  ['/incidents?last=1', 400, 'the parameters here are format and number\n'],
])('refuses %s', async (path, status, text) => {
  const answer = await ask(await served(), { path })
  expect([answer.status, answer.body]).toEqual([status, text])
})
