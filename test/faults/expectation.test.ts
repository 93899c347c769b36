import { expect, it } from 'vitest'
import { fine, mailTarget, platform } from '../assess/mail-cases.ts'
import { statusFrom } from '../status/looked.ts'
import { mismatches } from './expectation.ts'
import type { Expectation } from './fault.ts'

const seen: Expectation = { verdict: 'fail', root: 'settings/backend-01 setting_absent' }
const twoBlockers = statusFrom(platform({ ...fine, setting: 'fail', smtp: 'fail' }), { mail: [mailTarget] })

it('an expectation holds where one of two blockers is the root', async () => {
  expect(await mismatches(seen, twoBlockers)).toEqual([])
})

it('does not hold where two blockers are the root, or two series', async () => {
  const everyBlocker = twoBlockers.mail.map(mail => ({
    ...mail,
    blockers: mail.blockers.map(one => ({ ...one, root: true })),
  }))
  expect(await mismatches(seen, { ...twoBlockers, mail: everyBlocker })).toEqual(['root blockers: 2, not 1'])
  const everySeries = twoBlockers.samples.map(sample =>
    'root' in sample.labels ? { ...sample, labels: { ...sample.labels, root: 'true' } } : sample,
  )
  expect(await mismatches(seen, { ...twoBlockers, samples: everySeries })).toEqual([
    'series of a root blocker: 2, not 1',
  ])
})

it('does not hold where mail is all right, and yet something is the root', async () => {
  const ok = {
    ...twoBlockers,
    mail: twoBlockers.mail.map(mail => ({ ...mail, verdict: 'warn' as const, root: undefined })),
  }
  expect(await mismatches({ verdict: 'warn' }, ok)).toEqual([
    'root blockers: 1, not 0',
    'series of a root blocker: 1, not 0',
  ])
})
