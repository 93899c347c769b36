import * as z from 'zod'
import { isInTheClear, isOfAws } from '../../clients/aws/endpoints.ts'
import type { RoleCredentials } from '../../clients/aws/role-sources.ts'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import { expects } from '../../yaml/expects.ts'
import { filePath, flag, literalUrl, secret, section, targetFields, text } from '../../fields/index.ts'

/** The keys of a user of IAM: where they come from. */
export interface SesKeys {
  readonly access_key: Resolvable
  readonly secret_key: Reference
  readonly session_token?: Reference | undefined
}

/** The SES settings of an application, and what is to be proven with them. */
export interface SesTarget extends Target {
  readonly access_key?: Resolvable | undefined
  readonly secret_key?: Reference | undefined
  readonly session_token?: Reference | undefined
  readonly credentials?: RoleCredentials | undefined
  readonly region: Resolvable
  /** False if the SES sender of the application is a stub. */
  readonly implemented: boolean
  /** Whether SES is asked. */
  readonly verify: boolean
  readonly from?: Resolvable | undefined
  readonly configuration_set?: Resolvable | undefined
  readonly sandbox: boolean
  /** A share of the quota. */
  readonly quota_warning: number
  readonly recipients?: readonly Resolvable[] | undefined
  readonly endpoint?: string | undefined
  readonly ca_file?: string | undefined
  readonly monitor?: SesKeys | undefined
}

const sessionToken = secret('Session token of temporary keys (`ASIA…`).').optional()

const monitor = section({
  access_key: text('Access key id of a user that may read the account.', shapes.accessKey),
  secret_key: secret('Its secret access key.'),
  session_token: sessionToken,
})

const credentials = z.union([
  section({
    web_identity: section({
      role_arn: text('ARN of the role.', shapes.line),
      token_file: filePath('File with the token of the service account.'),
    }),
  }),
  z.enum(['web_identity', 'container', 'instance']),
])

const share = 'a share such as 0.8, more than 0 and at most 1'
/** AWS counts requests, and these facts change slowly. Milliseconds. */
const leastInterval = 15_000

export const sesTarget: z.ZodType<SesTarget> = section({
  ...targetFields,
  access_key: text('Access key id of the IAM user that sends.', shapes.accessKey).optional(),
  secret_key: secret('Its secret access key.').optional(),
  session_token: sessionToken,
  credentials: credentials
    .optional()
    .describe(
      'In place of the keys, for an application with a role: `web_identity` (a service account of Kubernetes), `container` (ECS, EKS Pod Identity) or `instance` (EC2). The role is that of the exporter, so run it with the role of the application.',
    ),
  region: text('Region in which SES is set up, such as eu-west-1.', shapes.region),
  implemented: z
    .boolean()
    .default(true)
    .describe("False if the application's SES sender is a stub. Then SES is no second way out."),
  verify: flag('Ask SES itself. `false`: only the settings are looked at, and `ses_not_verified` says so.').default(
    true,
  ),
  from: text(
    'Address the application sends from. SES must have verified it, or its domain.',
    shapes.mailAddress,
  ).optional(),
  configuration_set: text('Configuration set the application names when it sends.', shapes.line).optional(),
  sandbox: flag('`true`: the account may be in the sandbox, where SES sends to verified addresses only.').default(
    false,
  ),
  quota_warning: z
    .number({ error: expects(share) })
    .gt(0, `expected ${share}`)
    .max(1, `expected ${share}`)
    .default(0.8)
    .describe('A share of the 24-hour quota. From there on what was sent is a warning.'),
  recipients: z
    .array(text('An address.', shapes.mailAddress), { error: expects('a list of addresses') })
    .refine(list => list.length <= 10, 'has more than 10 addresses')
    .optional()
    .describe('Addresses that must not be on the suppression list, such as that of a canary. At most 10.'),
  endpoint: literalUrl(['http', 'https'], 'https://email.eu-west-1.amazonaws.com')
    .optional()
    .describe('Address of SES. Default: that of the region. For a VPC endpoint of your own.'),
  ca_file: filePath(
    'PEM file with the certificate of the authority. Default: the authorities of the system.',
  ).optional(),
  monitor: monitor
    .optional()
    .describe('Keys that may read the account, where those of the application may only send. Of the same account.'),
}).superRefine((value, context) => {
  const add = (key: keyof SesTarget, message: string): void =>
    context.addIssue({ code: 'custom', path: [key], message })
  const { interval = leastInterval, verify, endpoint, credentials } = value
  // A signature gives nothing away. A session token is sent as it is.
  const hasToken = [value.session_token, value.monitor?.session_token, credentials].some(one => one !== undefined)
  if (hasToken && endpoint !== undefined && isInTheClear(endpoint))
    add('endpoint', 'would get the session token without TLS; use https')
  if (verify && (endpoint === undefined || isOfAws(endpoint)) && interval < leastInterval)
    add('interval', 'AWS counts requests: ask at most every 15s')
  for (const key of ['access_key', 'secret_key', 'session_token'] as const) {
    const isSet = value[key] !== undefined
    if (isSet && credentials !== undefined) add(key, 'does not go with credentials: take one of them out')
    if (!isSet && credentials === undefined && key !== 'session_token')
      add(key, 'is missing; an application with a role has `credentials` in place of the keys')
  }
})
