import * as z from 'zod'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import type { Reference, Resolvable, Target } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import {
  certificateWarning,
  clusterName,
  flag,
  longDuration,
  portList,
  secret,
  section,
  targetFields,
  text,
} from '../../fields/index.ts'
import { certificatePair, drivers, hostList, loginFields, sslModes, type SslMode } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'

export interface WritePathTarget extends Target {
  readonly cluster: string
  readonly url?: Resolvable | undefined
  readonly host?: Resolvable | undefined
  readonly port: Resolvable
  readonly user?: Resolvable | undefined
  readonly database?: Resolvable | undefined
  readonly password?: Reference | undefined
  readonly sslmode?: SslMode | undefined
  readonly driver: Driver | 'auto'
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly sessions: number
  readonly heartbeat?: { readonly table: string } | undefined
  readonly role_expiry_warning: number
  readonly watch: boolean
}

export const writePathTarget = section({
  ...targetFields,
  cluster: clusterName({ orNone: true }).describe(
    'The cluster it should write to: the `cluster` of `postgres` targets, where the file has any.',
  ),
  url: postgresUrl(
    'Where the application logs in; most often a reference to its own setting.',
    'postgres://app@db:5432/app',
  ).optional(),
  host: hostList(
    'Host, where there is no URL, as PGHOST has it: several with commas between are tried in turn, and a folder is that of a Unix socket.',
  ).optional(),
  port: portList('Port, with `host`; a list, or one for all, where that is a list.').default(5432),
  user: text(
    'Role the application logs in with, with `host`. Without one only the address is looked at.',
    shapes.user,
  ).optional(),
  database: text('Database, with `host`. Default: the name of the user.', shapes.database).optional(),
  password: secret('Password of the role, where the URL does not hold it.').optional(),
  sslmode: z
    .enum(sslModes)
    .optional()
    .describe(
      'What the application has for PGSSLMODE, with `host`; a URL says it itself. Default: what the driver does without.',
    ),
  driver: z
    .enum(['auto', ...drivers])
    .default('auto')
    .describe(
      'The driver of the application: each reads a URL in its own way. `auto`: where they would connect differently, each way is tried up to the login, at most once an hour while nothing changes.',
    ),
  ...loginFields,
  certificate_warning: certificateWarning,
  sessions: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('Fresh sessions per run; an endpoint that alternates lands on several nodes.'),
  heartbeat: section({
    table: z.string().regex(shapes.table.pattern, `expected ${shapes.table.expected}`),
  })
    .optional()
    .describe('Also write a row of a table of your own: (target text primary key, beat timestamptz).'),
  role_expiry_warning: longDuration('Warn when the password of the role (`valid until`) ends in less than this.')
    .default(86_400_000)
    .meta({ default: '24h' }),
  watch: flag(
    'Hold an idle session open through this path too, to notice at once that a proxy or pooler on it goes down. It is one of the connections the role of the application has, and while it is open, the database cannot be dropped.',
  ).default(false),
}).superRefine((value, context) => {
  certificatePair(value, context)
  if ((value.url === undefined) === (value.host === undefined))
    context.addIssue('give either url or host, not both and not none')
  if (value.url !== undefined)
    for (const key of ['user', 'database', 'sslmode'] as const)
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `${key} goes with host; a url says it itself` })
})
