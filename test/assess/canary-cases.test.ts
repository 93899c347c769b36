import { expect, it } from 'vitest'
import { byVerdict, type Verdict } from '../../src/core/probe.ts'
import { canaryTarget, canaryThat } from '../status/canary.ts'
import { everyCase, expected, fine, mailOf, outcomeOf, pathOver, platform, type MailCase } from './mail-cases.ts'

const states = {
  ok: [],
  late: ['canary_late'],
  lost: ['canary_lost'],
  bounced: ['canary_bounced'],
  rejected: ['canary_rejected'],
  'its mailbox is down': ['canary_mailbox_unreachable'],
} as const
type State = keyof typeof states
interface Case {
  readonly one: MailCase
  readonly way: 'smtp' | 'ses'
  readonly state: State
}

/** Those that differ in their ways out. */
const platforms = everyCase().filter(
  one =>
    one.write === fine.write &&
    one.vault === fine.vault &&
    one.setting === fine.setting &&
    one.provider !== 'unreadable' &&
    (['none', 'not asked', 'proven', 'refused'] as const).some(state => state === one.ses),
)
const cases: readonly Case[] = platforms.flatMap(one =>
  (['smtp', 'ses'] as const).flatMap(way =>
    (Object.keys(states) as State[]).flatMap(state => (one[way] === 'none' ? [] : [{ one, way, state }])),
  ),
)

/** What the mail verdict is, in other words than the code: that of the platform without a canary, and what a canary changes in it. */
function expectedOf({ one, way, state }: Case): { verdict: Verdict; root: string | undefined } {
  const plain = expected(one)
  const isBroken = way === 'smtp' ? one.smtp === 'fail' || one.smtp === 'unknown' : one.ses === 'refused'
  if (state === 'ok' || (isBroken && ['late', 'lost', 'rejected'].includes(state))) return plain
  // As if its check said it.
  if (state === 'rejected') {
    const dead = expected({ ...one, ...(way === 'smtp' ? { smtp: 'fail' } : { ses: 'refused' }) })
    const own = way === 'smtp' ? 'smtp_auth_failed' : 'ses_key_unknown'
    return { ...dead, root: dead.root === own ? 'canary_rejected' : dead.root }
  }
  const used = usedBy(one, way)
  const isLoss = state === 'lost' || state === 'bounced'
  if (isLoss && used === 'surely' && plain.verdict !== 'fail') return { verdict: 'fail', root: `canary_${state}` }
  if (isLoss && used === 'perhaps') return atLeast(plain, 'unknown', `canary_${state}`)
  return used !== 'not' || isLoss ? atLeast(plain, 'warn') : plain
}

function usedBy(one: MailCase, way: 'smtp' | 'ses'): 'surely' | 'perhaps' | 'not' {
  const able = {
    smtp: { ok: 'yes', warn: 'yes', fail: 'no', unknown: 'unknown', none: undefined }[one.smtp],
    ses: one.ses === 'proven' ? 'yes' : one.ses === 'refused' ? 'no' : one.ses === 'none' ? undefined : 'unknown',
  }
  const known = one.provider === 'smtp' || one.provider === 'ses'
  const first = known ? one.provider : able.smtp !== undefined ? 'smtp' : 'ses'
  const other = first === 'smtp' ? 'ses' : 'smtp'
  if (able[way] === 'no') return 'not'
  if (way === first) return known || able[other] === undefined || able[other] === 'no' ? 'surely' : 'perhaps'
  if ((known && one.fallback !== other) || able[first] === 'yes') return 'not'
  return able[first] === 'no' ? 'surely' : 'perhaps'
}

const atLeast = (plain: ReturnType<typeof expected>, verdict: Verdict, root?: string) =>
  byVerdict(plain.verdict, verdict) <= 0 ? plain : { verdict, root }

it('follows from the ways out and the canary in every combination', () => {
  const wrong = cases.flatMap(found => {
    const { one, way, state } = found
    const target = canaryTarget(way === 'smtp' ? {} : { ses: 'backend SES' })
    const { status } = pathOver([...platform(one), canaryThat(states[state], { target })], mailOf(one))
    const [is, should] = [outcomeOf(status), expectedOf(found)]
    return JSON.stringify(is) === JSON.stringify(should) ? [] : [{ ...found, is, should }]
  })
  expect(wrong.slice(0, 3)).toEqual([])
  expect(cases.length).toBeGreaterThan(2_000)
}, 120_000)
