import { metrics as outbox } from '../../../src/probes/outbox/judge.ts'
import { lines } from '../build/charts.ts'
import { by, calc, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

export const outboxes = table({
  title: 'Outboxes',
  description:
    'The mails that applications keep until they are sent. Counting stops at `limit` and one. An empty cell is not counted, or there is none.',
  noValue: 'No outbox is checked',
  labels: [{ label: 'target', title: 'Outbox' }],
  values: [
    {
      title: 'Verdict',
      value: views.checkVerdict(['target'], { probe: 'outbox' }),
      states: states.verdictCodes,
      width: 90,
    },
    { title: 'Wait', value: by('max', ['target'], q(outbox.pending)), decimals: 0, width: 80 },
    { title: 'Oldest waits for', value: oldest(), unit: 's', decimals: 0, width: 130 },
    { title: 'Being sent', value: by('max', ['target'], q(outbox.sending)), decimals: 0, width: 90 },
    { title: 'Given up', value: by('max', ['target'], q(outbox.failed)), decimals: 0, width: 90 },
    {
      title: 'Last sent ago',
      value: calc`time() - ${by('max', ['target'], q(outbox.lastSent))}`,
      unit: 's',
      decimals: 0,
      width: 120,
    },
  ],
})

export const waiting = lines({
  title: 'Mails in outboxes',
  description: 'How many wait to be sent, are being sent, and were given up.',
  noValue: 'No outbox is checked',
  unit: 'none',
  decimals: 0,
  queries: [
    query(by('max', ['target'], q(outbox.pending)), label => `${label.target}: wait`),
    query(by('max', ['target'], q(outbox.sending)), label => `${label.target}: being sent`),
    query(by('max', ['target'], q(outbox.failed)), label => `${label.target}: given up`),
  ],
})

export const longestWait = lines({
  title: 'The oldest mail waits for',
  description: 'How long the oldest mail that is to be sent has waited. A gap: none waits, or it is not known.',
  noValue: 'No mail waits',
  unit: 's',
  queries: [query(oldest(), label => label.target)],
})

function oldest() {
  return calc`time() - ${by('min', ['target'], q(outbox.oldestPending))}`
}
