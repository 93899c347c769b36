import { metrics as ses } from '../../../src/probes/ses/judge.ts'
import { lines, timeline } from '../build/charts.ts'
import { by, calc, labelled, q, union } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'

const sends = states.flag('on', 'PAUSED', { bad: 'no' })

export const accounts = table({
  title: 'What SES says',
  description:
    'The keys, the account and the sender, as SES last said. An empty cell was not asked, or SES did not say it. In the sandbox SES sends to verified addresses only.',
  noValue: 'No SES is checked',
  labels: [{ label: 'target', title: 'SES', width: 170 }],
  values: [
    { title: 'Verdict', value: views.checkVerdict(['target'], { probe: 'ses' }), states: states.verdictCodes },
    {
      title: 'Answers',
      value: by('min', ['target'], q(ses.reachable)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      missing: 'not asked',
    },
    {
      title: 'Keys',
      value: by('min', ['target'], q(ses.credentialsValid)),
      states: states.flag('taken', 'REFUSED', { bad: 'no' }),
    },
    { title: 'Sending', value: by('min', ['target'], q(ses.sendingEnabled)), states: sends },
    {
      title: 'Account',
      value: states.stateOf(ses.enforcement, 'status', states.sesEnforcement, ['target']),
      states: states.sesEnforcement,
    },
    {
      title: 'Production access',
      value: by('min', ['target'], q(ses.productionAccess)),
      states: states.flag('yes', 'SANDBOX', { bad: 'no', as: 'warn' }),
    },
    {
      title: 'Sender',
      value: by('min', ['target'], q(ses.identityVerified)),
      states: states.flag('verified', 'NOT VERIFIED', { bad: 'no' }),
    },
    {
      title: 'DKIM',
      value: states.stateOf(ses.identityDkim, 'status', states.sesDkim, ['target']),
      states: states.sesDkim,
    },
    {
      title: 'MAIL FROM',
      value: states.stateOf(ses.identityMailFrom, 'status', states.sesMailFrom, ['target']),
      states: states.sesMailFrom,
      missing: 'none',
    },
    {
      title: 'Configuration set',
      value: by('min', ['target'], q(ses.configurationSetSendingEnabled)),
      states: sends,
      missing: 'none',
    },
    { title: 'Mails per second, at most', value: by('max', ['target'], q(ses.maxSendRate)), unit: 'none' },
    { title: 'Our clock is ahead by', value: by('max', ['target'], q(ses.clockSkew)), unit: 's', decimals: 0 },
  ],
})

export const steps = timeline({
  title: 'SES over time, step by step',
  description: 'Whether each step towards a mail that SES takes went well. A gap was not asked, or is not known.',
  noValue: 'SES is not asked',
  query: query(
    union(
      labelled(by('min', ['target'], q(ses.reachable)), 'step', '1 answers'),
      labelled(by('min', ['target'], q(ses.credentialsValid)), 'step', '2 keys'),
      labelled(by('min', ['target'], q(ses.sendingEnabled)), 'step', '3 sending'),
      labelled(by('min', ['target'], q(ses.identityVerified)), 'step', '4 sender'),
      labelled(by('min', ['target'], q(ses.configurationSetSendingEnabled)), 'step', '5 configuration set'),
    ),
    label => `${label.target}: ${label.step}`,
  ),
  states: states.flag('ok', 'FAILS', { bad: 'no' }),
})

export const quota = lines({
  title: 'Quota of 24 hours, used',
  description:
    'What was sent in the last 24 hours, as a share of what may be sent. At 100 % SES refuses the next mail.',
  noValue: 'SES is not asked, or there is no limit',
  unit: 'percentunit',
  queries: [
    query(
      calc`${by('max', ['target'], q(ses.quotaSent))} / ${by('max', ['target'], q(ses.quotaMax))}`,
      label => label.target,
    ),
  ],
  steps: [
    [null, 'ok'],
    [0.8, 'warn'],
    [1, 'fail'],
  ],
})

export const complaints = lines({
  title: 'Bounces and complaints, 24 hours',
  description:
    'Per delivery attempt. AWS reviews an account from 5 % of bounces or 0.1 % of complaints on. The exporter warns at half of that, from 100 attempts on.',
  noValue: 'The statistics of SES are not read',
  unit: 'percentunit',
  queries: [
    query(by('max', ['target'], q(ses.bounceRatio)), label => `${label.target}: bounces`),
    query(by('max', ['target'], q(ses.complaintRatio)), label => `${label.target}: complaints`),
  ],
})

export const config = stat({
  title: 'SES settings',
  description: 'How many of the SES settings have a value: all, some, or none.',
  noValue: 'unknown',
  query: query(states.stateOf(ses.config, 'state', states.sesConfig, ['target']), label => label.target),
  states: states.sesConfig,
})

export const sender = stat({
  title: 'SES sender',
  description: "Whether the application's SES sender is more than a stub.",
  noValue: 'unknown',
  query: query(by('min', ['target'], q(ses.implemented)), label => label.target),
  states: states.flag('implemented', 'a stub', { bad: 'no', as: 'warn' }),
})

export const settings = table({
  title: 'SES settings, one by one',
  description: 'Whether each has a value, be it a good one or not.',
  noValue: 'Nothing is known of the SES settings',
  labels: [
    { label: 'target', title: 'SES' },
    { label: 'setting', title: 'Setting' },
  ],
  values: [
    {
      title: 'Value',
      value: by('min', ['target', 'setting'], q(ses.present)),
      states: states.flag('set', 'absent', { bad: 'no', as: 'warn' }),
      width: 100,
    },
  ],
})
