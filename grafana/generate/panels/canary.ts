import { metrics as canary } from '../../../src/probes/canary/metrics.ts'
import type { Metric } from '../../../src/core/metric.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, calc, each, increase, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const none = 'No canary is sent'
const unseen = 'No canary has arrived, or there is no mailbox'

/** Of the replica for which it is worst. */
const most = (metric: Metric<'target'>) => by('max', ['target'], q(metric))
const ago = (metric: Metric<'target'>) => calc`time() - ${most(metric)}`
/** How many in the hour before, of all replicas. */
const hourly = (metric: Metric<'target'>) => each('round', by('sum', ['target'], increase(q(metric), '1h')))

const oldest = calc`time() - ${by('min', ['target'], q(canary.oldestPending))}`
const mailbox = by('min', ['target'], q(canary.mailboxReachable))
const folders = each('round', by('sum', ['target', 'folder'], increase(q(canary.arrived), '1h')))

export const arrivals = stat({
  title: 'Last arrival',
  description:
    'How long ago a canary last arrived. While all is well, it is less than the interval and what a mail takes.',
  noValue: 'none yet',
  query: query(ago(canary.lastArrival), label => label.target),
  unit: 's',
  decimals: 0,
})

export const mailboxes = stat({
  title: 'Mailbox',
  description:
    'Whether the mailbox in which the canary is awaited could be read. It is not the mail of the application.',
  noValue: 'no mailbox',
  query: query(mailbox, label => label.target),
  states: states.flag('readable', 'NOT READ', { bad: 'no', as: 'warn' }),
})

export const canaries = table({
  title: 'Canaries',
  description:
    'What the last run of each canary found. Without a mailbox only the hand-over is known, and the cells of the arrival are empty.',
  noValue: none,
  labels: [{ label: 'target', title: 'Canary', width: 170 }],
  values: [
    {
      title: 'Verdict',
      value: views.checkVerdict(['target'], { probe: 'canary' }),
      states: states.verdictCodes,
      width: 90,
    },
    { title: 'Sent ago', value: ago(canary.lastSent), unit: 's', decimals: 0 },
    { title: 'Arrived ago', value: ago(canary.lastArrival), unit: 's', decimals: 0 },
    { title: 'Took', value: most(canary.delivery), unit: 's', decimals: 1 },
    { title: 'Under way', value: most(canary.pending), decimals: 0 },
    { title: 'Oldest under way for', value: oldest, unit: 's', decimals: 0 },
    {
      title: 'Landed in',
      value: most(canary.inJunk),
      states: states.flag('JUNK', 'no junk', { bad: 'yes', as: 'warn' }),
      missing: 'not known',
    },
    { title: 'Servers on its way', value: most(canary.hops), decimals: 0 },
    {
      title: 'Of them without TLS',
      value: most(canary.clearHops),
      decimals: 0,
      steps: [
        [null, 'none'],
        [1, 'warn'],
      ],
    },
  ],
})

export const took = lines({
  title: 'How long a canary takes',
  description:
    'From the moment at which the relay, or SES, accepted it to the mailbox. The last one that arrived, the slower replica.',
  noValue: unseen,
  unit: 's',
  queries: [query(most(canary.delivery), label => label.target)],
})

export const slowestHop = lines({
  title: 'The slowest server on the way',
  description: 'The longest time between two servers, by their clocks: where a late mail was kept.',
  noValue: unseen,
  unit: 's',
  queries: [query(most(canary.hopDelayMax), label => label.target)],
})

export const underWay = lines({
  title: 'Canaries under way',
  description: 'Those that were accepted and have not arrived. At most three: while they are out, no more are sent.',
  noValue: none,
  unit: 'none',
  decimals: 0,
  stepped: true,
  queries: [query(most(canary.pending), label => label.target)],
})

export const fates = lines({
  title: 'What became of the canaries',
  description:
    'In the hour before, of all replicas. One that is late or lost may still arrive, and counts for both. Those under way at a restart of the exporter are not counted as lost.',
  noValue: none,
  unit: 'none',
  decimals: 0,
  queries: [
    query(hourly(canary.sent), label => `${label.target}: sent`),
    query(hourly(canary.late), label => `${label.target}: late`),
    query(hourly(canary.lost), label => `${label.target}: lost`),
    query(hourly(canary.rejected), label => `${label.target}: refused`),
    query(hourly(canary.bounced), label => `${label.target}: came back`),
  ],
})

export const landed = lines({
  title: 'Where canaries landed',
  description: 'Arrivals in the hour before, by folder, of all replicas.',
  noValue: none,
  unit: 'none',
  decimals: 0,
  stacked: true,
  queries: [query(folders, label => `${label.target}: ${label.folder}`)],
})

export const extra = lines({
  title: 'Second copies, and what was left behind',
  description:
    'In the hour before: canaries that arrived more than once, and those that no process waited for, which were deleted.',
  noValue: none,
  unit: 'none',
  decimals: 0,
  queries: [
    query(hourly(canary.duplicates), label => `${label.target}: second copies`),
    query(hourly(canary.leftoversRemoved), label => `${label.target}: left behind`),
  ],
})

export const authentication = timeline({
  title: 'What the receiver found',
  description:
    'SPF, DKIM and DMARC of the last canary that arrived, by the header of the host that is trusted. A gap: it does not say.',
  noValue: 'The receiver says nothing of it',
  query: query(
    states.stateOf(canary.authentication, 'result', states.authResult, ['target', 'method'], {
      window: '$__rate_interval',
    }),
    label => `${label.target}: ${label.method}`,
  ),
  states: states.authResult,
})

export const wayOver = lines({
  title: 'Servers on the way',
  description: 'How many took the last canary that arrived, and how many of them over a network without TLS.',
  noValue: unseen,
  unit: 'none',
  decimals: 0,
  stepped: true,
  queries: [
    query(most(canary.hops), label => `${label.target}: all`),
    query(most(canary.clearHops), label => `${label.target}: without TLS`),
  ],
})
