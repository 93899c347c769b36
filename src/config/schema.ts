import { z } from 'zod'
import { duration, expects, filePath, literalUrl, secret, section } from './fields.ts'
import { probes } from '../probes/index.ts'

const kubernetes = section({
  url: literalUrl(['http', 'https'], 'https://kubernetes.default.svc')
    .optional()
    .describe('Address of the API server. Default: the one of the cluster the exporter runs in.'),
  token: secret('Bearer token. Default: the token of the service account, read anew each time.').optional(),
  ca_file: filePath('CA certificate of the API server. Default: the one of the service account.').optional(),
}).describe('How to read Kubernetes Secrets; not needed inside of a cluster.')

/** Milliseconds. */
export const defaultTimes = { interval: 15_000, timeout: 5_000 } as const

/** The configuration file: a section per probe kind, a list of targets each. */
export const fileSchema = section({
  interval: duration('How often each check runs, unless its target says otherwise.')
    .default(defaultTimes.interval)
    .meta({ default: '15s' }),
  timeout: duration('Total time one run may take, unless its target says otherwise.')
    .default(defaultTimes.timeout)
    .meta({ default: '5s' }),
  kubernetes: kubernetes.optional(),
  ...Object.fromEntries(
    probes.map(probe => [
      probe.kind,
      z
        .array(probe.target, { error: expects(`a list of ${probe.kind} targets`) })
        .optional()
        .describe(probe.summary),
    ]),
  ),
})
export type KubernetesConfig = z.output<typeof kubernetes>
