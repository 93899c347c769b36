import { describe, expect, it } from 'vitest'
import { renderPage } from '../../src/page/page.ts'
import { statusJson } from '../../src/report/api.ts'
import { audit } from '../../src/report/audit.ts'
import { report } from '../../src/report/report.ts'
import type { DnsSeen } from '../../src/probes/dns/seen.ts'
import { dnsIntervalMs, dnsSeen, dnsThat } from '../status/dns.ts'
import { start, statusFrom } from '../status/looked.ts'

const about = { version: '1.2.3', configFile: '/etc/mailpath/mailpath.yml' }
const well = dnsSeen()
const missing: Partial<DnsSeen> = {
  spf: { ...well.spf, record: 'missing', text: undefined, senders: [{ ...senderOf(well), result: 'none' }] },
}
const published = 'app.example.com. IN TXT "v=spf1 ip4:192.0.2.10 ~all"'

function senderOf({ spf }: DnsSeen): DnsSeen['spf']['senders'][number] {
  const [sender] = spf.senders
  if (!sender) throw new Error('the fixture has no sender')
  return sender
}
const statusThat = (more: Partial<DnsSeen>, now = start) => statusFrom([dnsThat([], { seen: dnsSeen(more) })], { now })
const pageOf = (more: Partial<DnsSeen>): string => renderPage(statusThat(more), about)
const section = (page: string): string => /<section class="postures".*?<\/section>/s.exec(page)?.[0] ?? ''

describe('what receivers find in DNS', () => {
  it('is a table on the page, with the record to publish, open only if there is one', () => {
    const broken = section(pageOf(missing))
    expect(broken).toContain('<details open>')
    expect(broken).toContain('1 record to publish or mend, as 127.0.0.1:53')
    expect(broken).toContain(published.replaceAll('"', '&quot;'))
    const fine = section(pageOf({}))
    expect(fine).not.toContain('<details open>')
    expect(fine).toContain('nothing to publish')
    expect(renderPage(statusFrom([]), about)).not.toContain('postures')
  })

  it('shows terms of a record as code', () => {
    const page = section(pageOf({ spf: { ...well.spf, errors: ['`ipv4:` is not a term of SPF'] } }))
    expect(page).toContain('<code>ipv4:</code> is not a term of SPF')
  })

  it('is a table in each format of check, that can be handed on', () => {
    const found = statusThat(missing)
    const text = report(found, { format: 'table', width: 120 })
    expect(text).toContain('DNS of app.example.com, as 127.0.0.1:53 says')
    expect(text).toContain(`→ ${published}`)
    const markdown = report(found, { format: 'markdown' })
    expect(markdown).toContain('| Record | Name | State | What to publish |')
    expect(markdown).toContain(`| missing | \`${published}\` |`)
    const { dns } = JSON.parse(report(found, { format: 'json' })) as { dns: unknown }
    expect(dns).toEqual(statusJson(statusThat(missing)).dns)
  })

  it('is in the API record by record, with null for what does not have to be done', () => {
    const [posture] = statusJson(statusThat(missing)).dns
    expect(posture).toMatchObject({
      target: 'app.example.com',
      domain: 'app.example.com',
      envelope: 'app.example.com',
      servers: ['127.0.0.1:53'],
    })
    const row = (record: string) => posture?.records.find(one => one.record === record)
    expect(row('SPF')).toEqual({
      record: 'SPF',
      name: 'app.example.com',
      state: 'missing',
      found: [],
      publish: published,
      advice: null,
    })
    expect(row('DMARC')).toMatchObject({ state: 'ok', publish: null, advice: null })
  })

  it('is not told of a look that is too old', () => {
    const later = statusThat(missing, start + 10 * dnsIntervalMs)
    expect(statusJson(later).dns).toEqual([])
    expect(section(renderPage(later, about))).toBe('')
    expect(audit(later).postures).toEqual([])
  })

  it('cannot be steered by what a record says', () => {
    const text = 'v=spf1 ip4:192.0.2.10 <script>alert(1)</script> | a | `b` \u001b[2J\u202e -all'
    const more: Partial<DnsSeen> = { spf: { ...well.spf, text, permissive: [text] } }
    expect(section(pageOf(more))).not.toContain('<script')
    const found = statusThat(more)
    expect(report(found, { format: 'table' })).not.toMatch(/\u001b|\u202e/)
    const line = report(found, { format: 'markdown' })
      .split('\n')
      .find(one => one.startsWith('| SPF'))
    expect(line?.replaceAll(/\\\||\\\\/g, '').split('|')).toHaveLength(6)
    expect(line).not.toContain('<script')
  })
})
