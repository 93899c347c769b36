import * as z from 'zod'
import type { Connecting } from '../../clients/postgres-target.ts'
import type { Target } from '../../core/probe.ts'
import type { Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import {
  certificateWarning,
  clusterName,
  flag,
  longDuration,
  portList,
  secret,
  section,
  shapedText,
  targetFields,
  targetName,
  text,
} from '../../fields/index.ts'
import { drivers, hostList, loginFields, sslModes, type SslMode } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { certificatePair } from '../../fields/together.ts'

export interface WritePathTarget extends Target, Connecting {
  readonly cluster: string
  readonly port: Resolvable
  readonly sslmode?: SslMode | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly sessions: number
  readonly heartbeat?: { readonly table: string } | undefined
  readonly role_expiry_warning: number
  readonly watch: boolean
  readonly pooled?: boolean | undefined
  readonly haproxy?: { readonly target: string; readonly proxy: string } | undefined
  readonly pgbouncer?: { readonly target: string; readonly database: string } | undefined
}

export const writePathTarget = section({
  ...targetFields,
  cluster: clusterName({ orNone: true }).describe(
    'The cluster it should write to. If the file has `postgres` targets, it is the `cluster` of one of them.',
  ),
  url: postgresUrl(
    'Where the application logs in. Usually a reference to its own setting.',
    'postgres://app@db:5432/app',
  ).optional(),
  host: hostList(
    'Host, if there is no URL. As in PGHOST, several hosts with commas between them are tried in turn, and a path is the folder of a Unix socket.',
  ).optional(),
  port: portList('Port, with `host`. For a list of hosts, one port for all or a list.').default(5432),
  user: text('Role of the application, with `host`. Without it only the address is checked.', shapes.user).optional(),
  database: text('Database, with `host`. Default: the name of the user.', shapes.database).optional(),
  password: secret('Password of the role, if the URL does not contain it.').optional(),
  sslmode: z
    .enum(sslModes)
    .optional()
    .describe('PGSSLMODE of the application, with `host`. In a URL it is a parameter. Default: that of the driver.'),
  driver: z
    .enum(['auto', ...drivers])
    .default('auto')
    .describe(
      'The driver of the application. Each driver reads a URL in its own way. `auto`: if they would connect differently, each way is tried up to the login, at most once an hour while nothing changes.',
    ),
  ...loginFields,
  certificate_warning: certificateWarning,
  sessions: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('Fresh sessions per run. Several of them show an endpoint that leads to several nodes in turn.'),
  heartbeat: section({
    table: z.string().regex(shapes.table.pattern, `expected ${shapes.table.expected}`),
  })
    .optional()
    .describe('Also write a row of a table of your own: (target text primary key, beat timestamptz).'),
  role_expiry_warning: longDuration('Warn when the password of the role (`valid until`) ends in less than this.')
    .default(86_400_000)
    .meta({ default: '24h' }),
  watch: flag(
    'Keep an idle session open through this path too, to notice at once when a proxy or pooler on it goes down. It takes one of the connections of the role. While it is open, the database cannot be dropped.',
  ).default(false),
  pooled: flag(
    'Whether the application keeps sessions open (a pool). `true`: sessions of its role that stay on a standby make the path `fail`. `false`: they are not reported. Default: they are a warning.',
  ).optional(),
  haproxy: section({
    target: targetName('haproxy').describe('The haproxy target.'),
    proxy: shapedText(shapes.name, 'The `listen` or `backend` with the servers that the path leads to.'),
  })
    .optional()
    .describe('The HAProxy that the path goes through.'),
  pgbouncer: section({
    target: targetName('pgbouncer').describe('The pgbouncer target.'),
    database: shapedText(shapes.database, 'The database of PgBouncer that the path logs in to.'),
  })
    .optional()
    .describe('The PgBouncer that the path goes through.'),
}).superRefine((value, context) => {
  certificatePair(value, context)
  if ((value.url === undefined) === (value.host === undefined)) context.addIssue('give exactly one of url and host')
  if (value.url !== undefined)
    for (const key of ['user', 'database', 'sslmode'] as const)
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `${key} goes with host; a url says it itself` })
})
