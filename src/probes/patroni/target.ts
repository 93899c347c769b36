import type * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import {
  certificateWarning,
  clusterName,
  duration,
  filePath,
  literalUrl,
  secret,
  section,
  targetFields,
  targetName,
  text,
} from '../../fields/index.ts'
import { certificatePair } from '../../fields/postgres.ts'

export interface PatroniTarget extends Target {
  readonly cluster: string
  readonly url: string
  /** Name of the `postgres` target that this Patroni manages. */
  readonly node?: string | undefined
  readonly user?: Resolvable | undefined
  readonly password?: Reference | undefined
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
  user: text('User of the REST API, if something in front of it asks for one.', shapes.user).optional(),
  password: secret('Password of that user.').optional(),
  ca_file: filePath(
    'PEM file with the certificate of the authority. Default: the authorities of the system.',
  ).optional(),
  cert_file: filePath('PEM file of the client certificate, for `verify_client: required`.').optional(),
  key_file: filePath('PEM file of the private key of `cert_file`, without a passphrase.').optional(),
  certificate_warning: certificateWarning,
  max_dcs_age: duration(
    'Patroni reaches etcd (or Consul, ZooKeeper, Kubernetes) in each loop. An age of the last success from here on means that it does not any more. Must be more than loop_wait, 10 s by default.',
  )
    .default(15_000)
    .meta({ default: '15s' }),
}).superRefine((value, context) => {
  certificatePair(value, context)
  if ((value.user === undefined) !== (value.password === undefined)) context.addIssue('user and password go together')
})
