import type * as z from 'zod'
import type { BasicLogin } from '../../clients/http-target.ts'
import type { Target } from '../../core/probe.ts'
import { basicLogin, loginPair, tlsFiles } from '../../fields/http.ts'
import {
  certificateWarning,
  clusterName,
  duration,
  literalUrl,
  section,
  targetFields,
  targetName,
} from '../../fields/index.ts'
import { certificatePair } from '../../fields/together.ts'

export interface PatroniTarget extends Target, BasicLogin {
  readonly cluster: string
  readonly url: string
  /** Name of the `postgres` target that this Patroni manages. */
  readonly node?: string | undefined
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly max_dcs_age: number
}

export const patroniTarget: z.ZodType<PatroniTarget> = section({
  ...targetFields,
  cluster: clusterName({ orNone: true }).describe(
    'The cluster it manages a node of. If the file has `postgres` targets, it is the `cluster` of one of them.',
  ),
  url: literalUrl(['http', 'https'], 'http://db-1:8008').describe(
    'Address of the REST API of one Patroni, not of a load balancer over several.',
  ),
  node: targetName('postgres')
    .optional()
    .describe(
      'The postgres target of the node that it manages. Default: the one with the name of the member, else the one with its address.',
    ),
  ...basicLogin('User of the REST API, if something in front of it asks for one.'),
  ...tlsFiles('PEM file of the client certificate, for `verify_client: required`.'),
  certificate_warning: certificateWarning,
  max_dcs_age: duration(
    'Patroni reaches etcd (or Consul, ZooKeeper, Kubernetes) in each loop. An age of the last success from here on means that it does not any more. Must be more than loop_wait, 10 s by default.',
  )
    .default(15_000)
    .meta({ default: '15s' }),
}).superRefine((value, context) => {
  certificatePair(value, context)
  loginPair(value, context)
})
