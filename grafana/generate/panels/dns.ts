import { metrics as dns } from '../../../src/probes/dns/metrics.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, each, increase, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const none = 'No domain is looked at'
const window = { window: '$__rate_interval' } as const
const usable = states.flag('usable', 'NOT USABLE', { bad: 'no' })
const confirmed = states.flag('leads back', 'DOES NOT', { bad: 'no' })

export const domains = table({
  title: 'What receivers find',
  description:
    'The records of each domain that mail is sent from, as the last look found them. An empty cell is not known, not there, or not looked at. Both DMARC policy and MTA-STS are empty without a record.',
  noValue: none,
  labels: [{ label: 'target', title: 'Domain', width: 190 }],
  values: [
    {
      title: 'Verdict',
      value: views.checkVerdict(['target'], { probe: 'dns' }),
      states: states.verdictCodes,
      width: 90,
    },
    {
      title: 'SPF record',
      value: by('min', ['target'], q(dns.spfValid)),
      states: states.flag('valid', 'NOT VALID', { bad: 'no' }),
    },
    {
      title: 'Look-ups of 10',
      value: by('max', ['target'], q(dns.spfLookups)),
      decimals: 0,
      steps: [
        [null, 'none'],
        [9, 'warn'],
        [11, 'fail'],
      ],
    },
    {
      title: 'SPF covers the senders',
      value: by('min', ['target'], q(dns.spfCoversSenders)),
      states: states.flag('all', 'NOT ALL', { bad: 'no' }),
    },
    { title: 'All DKIM keys', value: by('min', ['target'], q(dns.dkimUsable)), states: usable },
    {
      title: 'DMARC policy',
      value: states.stateOf(dns.dmarcPolicy, 'policy', states.dmarcPolicy, ['target']),
      states: states.dmarcPolicy,
    },
    { title: 'Names of all senders (PTR)', value: by('min', ['target'], q(dns.ptrConfirmed)), states: confirmed },
    {
      title: 'MTA-STS',
      value: states.stateOf(dns.mtaStsMode, 'mode', states.mtaStsMode, ['target']),
      states: states.mtaStsMode,
    },
  ],
})

export const keys = table({
  title: 'DKIM keys',
  description: 'Each selector, whether receivers can check what is signed with it, and how long its key is.',
  noValue: 'No selector is known',
  labels: [
    { label: 'target', title: 'Domain' },
    { label: 'selector', title: 'Selector' },
  ],
  values: [
    { title: 'Key', value: by('min', ['target', 'selector'], q(dns.dkimUsable)), states: usable, width: 120 },
    { title: 'Bits', value: by('min', ['target', 'selector'], q(dns.dkimKeyBits)), decimals: 0, width: 80 },
  ],
})

export const policies = timeline({
  title: 'DMARC policy over time',
  description: 'The policy that applies to the domain. A gap: no record, or it is not known.',
  noValue: 'No DMARC record is known',
  query: query(
    states.stateOf(dns.dmarcPolicy, 'policy', states.dmarcPolicy, ['target'], window),
    label => label.target,
  ),
  states: states.dmarcPolicy,
})

export const lookups = lines({
  title: 'Look-ups of SPF',
  description:
    'How many the record takes in all, those of the records that it includes among them. More than 10 are an error.',
  noValue: 'No SPF record is known',
  unit: 'none',
  decimals: 0,
  stepped: true,
  steps: [
    [null, 'none'],
    [9, 'warn'],
    [11, 'fail'],
  ],
  queries: [query(by('max', ['target'], q(dns.spfLookups)), label => label.target)],
})

export const names = timeline({
  title: 'Names of each sender',
  description:
    'Whether each address of the sender has a name (PTR) that leads back to it. A gap: it is not known, or there are no senders in the configuration.',
  noValue: 'No sender is known',
  query: query(by('min', ['target', 'sender'], q(dns.ptrConfirmed)), label => `${label.target}: ${label.sender}`),
  states: confirmed,
})

export const questions = lines({
  title: 'Questions to name servers',
  description:
    'In the hour before, by how they ended, of all replicas. Only nodata and nxdomain are evidence that a record is not there.',
  noValue: none,
  unit: 'none',
  decimals: 0,
  stacked: true,
  queries: [
    query(
      each('round', by('sum', ['target', 'code'], increase(q(dns.queries), '1h'))),
      label => `${label.target}: ${label.code}`,
    ),
  ],
})
