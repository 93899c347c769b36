import { metrics as smtp } from '../../../src/probes/smtp/judge.ts'
import { timeline } from '../build/charts.ts'
import { by, calc, labelled, q, union } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import * as views from '../views.ts'
import { timeLeft } from './expiry.ts'

export const relays = table({
  title: 'Relays',
  description:
    'What the last run found at each relay. The login is not known where it was not tried. After a refusal the exporter waits before the next one, so that no account is locked.',
  noValue: 'No relay is checked',
  labels: [{ label: 'target', title: 'Relay', width: 200 }],
  values: [
    { title: 'Verdict', value: views.checkVerdict(['target'], { probe: 'smtp' }), states: states.verdictCodes },
    {
      title: 'Answers',
      value: by('min', ['target'], q(smtp.reachable)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
    },
    {
      title: 'STARTTLS',
      value: by('min', ['target'], q(smtp.starttls)),
      states: states.flag('offered', 'MISSING', { bad: 'no' }),
    },
    {
      title: 'Certificate',
      value: by('min', ['target'], q(smtp.certificateValid)),
      states: states.flag('valid', 'INVALID', { bad: 'no' }),
    },
    {
      title: 'Login',
      value: by('min', ['target'], q(smtp.authenticated)),
      states: states.flag('taken', 'REFUSED', { bad: 'no' }),
      missing: 'not tried',
    },
    { title: 'Last reply', value: by('max', ['target'], q(smtp.responseCode)), unit: 'none' },
    {
      title: 'Certificate expires in',
      value: calc`${by('min', ['target'], q(smtp.notAfter))} - time()`,
      ...timeLeft,
    },
    {
      title: 'No login for',
      value: calc`${by('max', ['target'], q(smtp.suspendedUntil))} - time()`,
      unit: 's',
      decimals: 0,
    },
  ],
})

export const steps = timeline({
  title: 'Relays over time, step by step',
  description: 'Whether each step of the dialogue with each relay went well. A gap was not tried, or is not known.',
  noValue: 'No data',
  query: query(
    union(
      labelled(by('min', ['target'], q(smtp.reachable)), 'step', '1 answers'),
      labelled(by('min', ['target'], q(smtp.starttls)), 'step', '2 STARTTLS'),
      labelled(by('min', ['target'], q(smtp.certificateValid)), 'step', '3 certificate'),
      labelled(by('min', ['target'], q(smtp.authenticated)), 'step', '4 login'),
    ),
    label => `${label.target}: ${label.step}`,
  ),
  states: states.flag('ok', 'FAILS', { bad: 'no' }),
})

export const tls = table({
  title: 'TLS with the relays',
  description: 'The version and the cipher agreed on in the last run.',
  noValue: 'No TLS was agreed on',
  labels: [
    { label: 'target', title: 'Relay' },
    { label: 'version', title: 'Version' },
    { label: 'cipher', title: 'Cipher' },
  ],
  values: [{ title: 'Replicas', value: by('count', ['target', 'version', 'cipher'], q(smtp.tlsInfo)), width: 90 }],
})
