import * as z from 'zod'
import { shapes } from '../core/shape.ts'
import { duration, filePath, flag, literalUrl, secret, section, shapedText } from '../fields/index.ts'
import { expects } from '../yaml/expects.ts'
import { listedProbes } from '../probes/index.ts'

const kubernetes = section({
  url: literalUrl(['http', 'https'], 'https://kubernetes.default.svc')
    .optional()
    .describe('Address of the API server. Default: that of the cluster in which the exporter runs.'),
  token: secret('Bearer token. Default: the token of the service account, which is read again each time.').optional(),
  ca_file: filePath('CA certificate of the API server. Default: the one of the service account.').optional(),
  kubeconfig: filePath(
    'A kubeconfig with server, authority and login, instead of the keys above. Its user needs a token or a client certificate: exec plugins are not run.',
  ).optional(),
  context: shapedText(shapes.name, 'Context of the kubeconfig. Default: its current one.').optional(),
})
  .superRefine((given, context) => {
    const beside = (['url', 'token', 'ca_file'] as const).find(key => given[key] !== undefined)
    if (given.kubeconfig !== undefined && beside)
      context.addIssue({
        code: 'custom',
        path: [beside],
        message: `the kubeconfig has it; take out ${beside} or kubeconfig`,
      })
    if (given.kubeconfig === undefined && given.context !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['context'],
        message: 'is that of a kubeconfig; set kubeconfig, or take it out',
      })
  })
  .describe('How to read Kubernetes Secrets. Not needed inside a cluster.')

/** Milliseconds. A probe may have a timeout of its own. */
export const defaultTimes = { interval: 15_000, timeout: 5_000 } as const

/** How often a check runs that sets no interval itself, by its probe and the file. Milliseconds. */
export const defaultInterval = ({ intervalMs = 0 }: { readonly intervalMs?: number }, ofFile: number): number =>
  Math.max(intervalMs, ofFile)

/** The configuration file: a section for each kind of probe, with a list of targets. */
export const fileSchema = section({
  interval: duration('How often each check runs, unless its target says otherwise.')
    .default(defaultTimes.interval)
    .meta({ default: '15s' }),
  timeout: duration('Total time of one run, unless its target says otherwise. If it is not set, `smtp` has up to 10s.')
    .optional()
    .meta({ default: '5s' }),
  watch: flag(
    'Whether servers are watched between the intervals, and checked again at once when one goes down or its role changes. `false` turns it off for all targets, even those that set it.',
  ).default(true),
  kubernetes: kubernetes.optional(),
  ...Object.fromEntries(
    listedProbes.map(({ kind, target, summary }) => [
      kind,
      z
        .array<z.ZodType>(target, { error: expects(`a list of ${kind} targets`) })
        .optional()
        .describe(summary),
    ]),
  ),
})
export type KubernetesConfig = z.output<typeof kubernetes>
