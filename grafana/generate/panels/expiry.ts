import { MappingType } from '@grafana/grafana-foundation-sdk/dashboard'
import { certificateLabels } from '../../../src/core/probe.ts'
import { checkMetrics } from '../../../src/exposition/samples.ts'
import { by, q } from '../build/promql.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import { century, expiries } from '../views.ts'

const day = 86_400

const range = (from: number, to: number, text: string, colour: string) => ({
  type: MappingType.RangeToText as const,
  options: { from, to, result: { text, color: colour } },
})

/** How a time is shown after which something no longer works, in seconds. */
export const timeLeft = {
  unit: 's',
  decimals: 1,
  steps: [
    [null, 'fail'],
    [3 * day, 'warn'],
    [21 * day, 'ok'],
  ],
  mappings: [
    range(-century, 0, 'EXPIRED', states.colours.fail),
    range(0.9 * century, century, 'never expires', states.colours.ok),
  ],
} as const

export const expiryTable = table({
  title: 'What expires next',
  description:
    'Certificates of the relays, of Postgres, of what manages it and stands in front of it, and of Vault, and the tokens the exporter reads Vault with. The first to expire comes first.',
  noValue: 'Nothing is known to expire',
  labels: [
    { label: 'what', title: 'What', width: 130 },
    { label: 'target', title: 'Target' },
  ],
  values: [{ title: 'Time left', value: expiries(), ...timeLeft, width: 130 }],
  sortBy: { title: 'Time left', desc: false },
})

export const certificates = table({
  title: 'Certificates',
  description: 'The certificate that each target showed in the last run. Compare the fingerprint after a renewal.',
  noValue: 'No TLS was agreed on',
  labels: [
    { label: 'probe', title: 'Probe', width: 110 },
    { label: 'target', title: 'Target', width: 170 },
    { label: 'subject', title: 'Subject' },
    { label: 'subjectalternative', title: 'Names' },
    { label: 'issuer', title: 'Issuer' },
    { label: 'serialnumber', title: 'Serial number' },
    { label: 'fingerprint_sha256', title: 'SHA-256' },
  ],
  values: [
    {
      title: 'Replicas',
      value: by('count', ['probe', 'target', ...certificateLabels], q(checkMetrics.certificate)),
      width: 90,
    },
  ],
})
