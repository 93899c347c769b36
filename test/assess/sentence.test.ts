import { expect, it } from 'vitest'
import { lineOf, sentenceOf } from '../../src/assess/sentence.ts'
import type { Blocker, MailStatus } from '../../src/assess/assessment.ts'
import type { Verdict } from '../../src/core/probe.ts'
import { byKind, pathKinds } from '../../src/probes/needs.ts'

const blocker = (id: string, code: string): Blocker => {
  const [probe = '', target = ''] = id.split('/')
  const reason = { code, verdict: 'fail', severity: 'high', text: code, remedy: 'fix it' } as const
  return { probe, target, reason, level: 'fail', root: false }
}
const pathOf = (verdict: Verdict, ...blockers: Blocker[]): MailStatus => ({
  name: 'app',
  verdict,
  provider: 'smtp',
  blockers,
  root: blockers[0],
  exceptions: [],
  needs: byKind(pathKinds, () => []),
})
const lost = blocker('canary/mail', 'canary_lost')
const bounced = blocker('canary/mail', 'canary_bounced')
const refused = blocker('smtp/relay', 'smtp_unreachable')

it.each([
  ['fail', [lost], 'app: SENT, BUT DOES NOT ARRIVE because of canary/mail', 'Mail is sent, but does not arrive'],
  [
    'fail',
    [bounced, lost],
    'app: SENT, BUT DOES NOT ARRIVE because of canary/mail',
    'Mail is sent, but does not arrive',
  ],
  ['fail', [refused, lost], 'app: BLOCKED by smtp/relay', 'Mail cannot be sent'],
  ['fail', [lost, refused], 'app: BLOCKED by canary/mail', 'Mail cannot be sent'],
  [
    'unknown',
    [lost],
    'app: SENT, UNKNOWN WHETHER IT ARRIVES because of canary/mail',
    'Mail is sent, unknown whether it arrives',
  ],
  ['unknown', [refused], 'app: UNKNOWN because of smtp/relay', 'Unknown whether mail can be sent'],
  ['unknown', [], 'app: UNKNOWN because of something unknown', 'Unknown whether mail can be sent'],
  ['ok', [], 'app: OK', 'Mail can be sent'],
] as const)(
  'says of mail that is %s whether it is sent and whether it arrives: %#',
  (verdict, blockers, line, sentence) => {
    const path = pathOf(verdict, ...blockers)
    expect([lineOf(path), sentenceOf(verdict, [path])]).toEqual([line, sentence])
  },
)

it('says that mail cannot be sent if that is so of one of several mail paths', () => {
  expect(sentenceOf('fail', [pathOf('fail', lost), pathOf('fail', refused)])).toBe('Mail cannot be sent')
  expect(sentenceOf('fail', [pathOf('fail', lost), pathOf('fail', bounced), pathOf('ok')])).toBe(
    'Mail is sent, but does not arrive',
  )
})
