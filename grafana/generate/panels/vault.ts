import { metrics as vault } from '../../../src/probes/vault/judge.ts'
import { by, calc, each, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import { stat } from '../build/stat.ts'
import * as states from '../build/states.ts'
import { table } from '../build/table.ts'
import { timeLeft } from './expiry.ts'
import * as views from '../views.ts'

export const token = stat({
  title: 'Vault token expires in',
  description: 'How long the token of the exporter is still good, for each Vault node it is used at.',
  noValue: 'unknown',
  query: query(
    each('clamp_max', calc`${by('min', ['target'], q(vault.tokenExpiry))} - time()`, views.century),
    label => label.target,
  ),
  ...timeLeft,
  rows: true,
})

export const secrets = table({
  title: 'Secrets in Vault',
  description: 'Whether each secret could be read, and has the key with a value.',
  noValue: 'Nothing is known of any secret',
  labels: [
    { label: 'target', title: 'Vault' },
    { label: 'path', title: 'Path' },
    { label: 'key', title: 'Key' },
  ],
  values: [
    {
      title: 'Readable',
      value: by('min', ['target', 'path', 'key'], q(vault.secretReadable)),
      states: states.flag('yes', 'NO', { bad: 'no' }),
      width: 100,
    },
  ],
})

export const vaultVersions = table({
  title: 'Vault versions',
  description: 'The version each Vault node tells.',
  noValue: 'No version is known',
  labels: [
    { label: 'target', title: 'Vault' },
    { label: 'version', title: 'Version' },
  ],
  values: [{ title: 'Replicas', value: by('count', ['target', 'version'], q(vault.info)), width: 90 }],
})
