import { describe, expect, it } from 'vitest'
import { limits } from '../../src/core/transcript.ts'
import type { Look } from '../../src/core/probe.ts'
import { finding, reasonsOf } from '../../src/core/probe.ts'
import { failedKept } from '../../src/monitor/failed-runs.ts'
import { checkOf, fine, noReferences } from '../monitor/checks.ts'
import { broken, inTurn, odd } from '../monitor/monitored.ts'
import { ask, serving, type Served } from './serving.ts'

const once = ({ monitor }: Served): Promise<unknown> => monitor.runAll(new AbortController().signal)
const failedOf = ({ monitor }: Served, target = 'it') => monitor.status().records.get(`fake/${target}`)?.failed ?? []
const page = async (web: Served, target = 'it'): Promise<string> => {
  const { status, body } = await ask(web, { path: `/failures?probe=fake&target=${target}` })
  expect(status).toBe(200)
  return body
}
const reason = reasonsOf({
  unknown: { verdict: 'unknown', severity: 'medium', meaning: '', remedy: 'look again' },
})
const unclear = finding('', [reason('unknown', 'nobody knows')], [])

/** A check that fails with all this in its transcript. */
const failing = (work: (look: Look) => void, target = 'it') =>
  checkOf(
    look => {
      work(look)
      return Promise.resolve(broken)
    },
    { target },
  )

describe('the last failures of a check', () => {
  it('outlive any number of runs that were fine, and of warnings', async () => {
    const web = await serving({
      checks: [inTurn([broken, fine, unclear, ...Array<typeof fine>(300).fill(fine), odd]).check],
    })
    for (let n = 0; n < 400; n++) await once(web)
    expect(failedOf(web).map(({ verdict }) => verdict)).toEqual(['fail', 'unknown'])
    const text = await page(web)
    expect(text).toContain('it is broken')
    expect(text).toContain('fix it')
    expect(text.indexOf('nobody knows')).toBeLessThan(text.indexOf('it is broken'))
    const [first] = failedOf(web)
    expect(text).toContain(new Date(first?.startedAt ?? 0).toISOString())
  })

  it('are no more than the last five', async () => {
    let n = 0
    const check = checkOf(look => {
      look.note(`it was number ${++n}.`)
      return Promise.resolve(n % 2 === 0 ? broken : unclear)
    })
    const web = await serving({ checks: [check] })
    for (let run = 0; run < failedKept + 3; run++) await once(web)
    expect(failedOf(web).map(({ transcript }) => transcript[0]?.text)).toEqual(
      [4, 5, 6, 7, 8].map(number => `it was number ${number}.`),
    )
    const text = await page(web)
    expect(text).toContain('it was number 8.')
    expect(text).not.toContain('it was number 3.')
  })

  it('are the first and the last of those in a row that failed alike', async () => {
    let n = 0
    const findings = [unclear, ...Array<typeof fine>(40).fill(broken), fine, broken, broken]
    const check = checkOf(look => {
      look.note(`it was number ${n}.`)
      return Promise.resolve(findings[n++] ?? fine)
    })
    const web = await serving({ checks: [check] })
    for (const _ of findings) await once(web)
    expect(failedOf(web).map(({ transcript, inRow }) => [transcript[0]?.text, inRow])).toEqual([
      ['it was number 0.', 1],
      ['it was number 1.', 1],
      ['it was number 40.', 40],
      ['it was number 42.', 1],
      ['it was number 43.', 2],
    ])
    expect(await page(web)).toContain('number 40 in a row')
  })

  it('are linked on the status page, for those that have any', async () => {
    const target = 'a "b" & c/d'
    const web = await serving({ checks: [failing(() => undefined, target), checkOf(() => Promise.resolve(fine))] })
    await once(web)
    const { body } = await ask(web, { path: '/' })
    const links = [...body.matchAll(/href="\.(\/failures[^"]*)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    )
    expect(links).toHaveLength(1)
    const { status, body: failures } = await ask(web, { path: links[0] })
    expect(status).toBe(200)
    expect(failures).toContain('a &quot;b&quot; &amp; c/d')
  })

  it('say so where there are none', async () => {
    const web = await serving()
    expect(await page(web)).toContain('Nothing has failed since')
  })

  it('are listed where no check is named, the newest first', async () => {
    const web = await serving({
      checks: [failing(() => undefined, 'a'), checkOf(() => Promise.resolve(fine), { target: 'fine' })],
    })
    const list = async () => (await ask(web, { path: '/failures' })).body
    expect(await list()).toContain('Nothing has failed since')
    await once(web)
    const body = await list()
    expect(body).toMatch(/1 check of 2 failed/)
    expect(body).toContain('href="./failures?probe=fake&amp;target=a"')
    expect(body).not.toContain('target=fine')
    expect((await ask(web, { path: '/failures?probe=fake' })).status).toBe(400)
  })

  it('go with the check, and stay with one that is as before', async () => {
    const checks = ['it', 'other'].map(target => failing(() => undefined, target))
    const web = await serving({ checks })
    await once(web)
    const [, other] = checks
    const changed = checkOf(() => Promise.resolve(fine), { intervalMs: 20_000 })
    web.monitor.swap({ checks: [changed, ...(other ? [other] : [])], mail: [] }, noReferences)
    expect([failedOf(web).length, failedOf(web, 'other').length]).toEqual([0, 1])
    expect(await page(web)).toContain('Nothing has failed since')
    web.monitor.swap({ checks: [], mail: [] }, noReferences)
    expect((await ask(web, { path: '/failures?probe=fake&target=other' })).status).toBe(404)
  })

  it('can do nothing in the browser of who reads them', async () => {
    const evil = '</td><script>alert(1)</script><img src=x onerror="alert(1)">'
    const web = await serving({ checks: [failing(look => look.note(`${evil}\u001b[2J\u0007\u202e`))] })
    await once(web)
    const { body, headers } = await ask(web, { path: '/failures?probe=fake&target=it' })
    expect(body).toContain('&lt;script&gt;')
    expect(body).not.toMatch(/<script|<img|\u001b|\u0007|\u202e/)
    const { headers: ofPage } = await ask(web, { path: '/' })
    expect(headers['content-security-policy']).toBe(ofPage['content-security-policy'])
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/)
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it('take little memory, whatever was sent', async () => {
    const huge = 'x'.repeat(60_000)
    const noisy = failing(look => {
      look.note('how it began')
      for (let n = 0; n < 1_000; n++) look.note(`${n} ${huge}`)
      look.note('how it ended')
    }, 'noisy')
    const chatty = failing(look => {
      for (let n = 0; n < 5_000; n++) look.note(`line ${n}`)
    }, 'chatty')
    const web = await serving({ checks: [noisy, chatty] })
    for (let n = 0; n < failedKept; n++) await once(web)
    for (const target of ['noisy', 'chatty'])
      for (const { transcript } of failedOf(web, target)) {
        expect(transcript.length).toBeLessThanOrEqual(limits.notes + 1)
        expect(transcript.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(limits.all + 100)
        for (const { text } of transcript) expect(text.length).toBeLessThanOrEqual(limits.note)
      }
    const texts = failedOf(web, 'noisy')[0]?.transcript.map(({ text }) => text) ?? []
    expect([texts[0], texts.at(-1)]).toEqual(['how it began', 'how it ended'])
    expect(texts.find(text => text.includes('not kept'))).toMatch(/^… 99\d more/)
  })
})
