import * as z from 'zod'
import type { Connecting } from '../../clients/postgres-target.ts'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { shapes } from '../../core/shape.ts'
import {
  clusterName,
  count,
  duration,
  flag,
  longDuration,
  portList,
  secret,
  section,
  shapedText,
  targetFields,
  text,
} from '../../fields/index.ts'
import {
  drivers,
  hostList,
  loginFields,
  loginInterval,
  loginIntervalNeedsWatch,
  sslModes,
  type SslMode,
} from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { certificatePair } from '../../fields/together.ts'

export interface OutboxTarget extends Target, Connecting {
  readonly cluster: string
  readonly port: Resolvable
  /** With a URL: instead of the user in it. */
  readonly user?: Resolvable | undefined
  /** With a URL: instead of the password in it. */
  readonly password?: Reference | undefined
  readonly sslmode?: SslMode | undefined
  readonly table: string
  /** Names of columns. */
  readonly created: string
  readonly sent?: string | undefined
  /** SQL predicates. */
  readonly pending: string
  readonly sending?: string | undefined
  readonly failed?: string | undefined
  /** Milliseconds. */
  readonly late_after: number
  readonly stuck_after: number
  readonly quiet_after?: number | undefined
  /** Rows. */
  readonly limit: number
  readonly watch: boolean
  /** Milliseconds. */
  readonly login_interval?: number | undefined
}

const column = (meaning: string) =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_$]{0,62}$/, 'expected the name of a column, such as created_at')
    .describe(meaning)

/** No `;` and no comment can leave it: the statement is sent by the extended protocol, which takes only one. */
const predicate = (meaning: string, example: string) =>
  shapedText({ ...shapes.line, expected: `an SQL condition such as ${example}` }, meaning)

export const outboxTarget: z.ZodType<OutboxTarget> = section({
  ...targetFields,
  cluster: clusterName({ orNone: true }).describe(
    'The cluster the table is in. If the file has `postgres` targets, it is the `cluster` of one of them.',
  ),
  url: postgresUrl(
    'Where to log in. Usually a reference to the setting of the application.',
    'postgres://app@db:5432/app',
  ).optional(),
  host: hostList('Host, if there is no URL; several with commas between them, as in PGHOST.').optional(),
  port: portList('Port, with `host`.').default(5432),
  user: text(
    'A role of its own that may read the columns named below; instead of the user in the URL.',
    shapes.user,
  ).optional(),
  database: text('Database, with `host`. Default: the name of the user.', shapes.database).optional(),
  password: secret('Password of that role.').optional(),
  sslmode: z.enum(sslModes).optional().describe('PGSSLMODE, with `host`. In a URL it is a parameter.'),
  driver: z
    .enum(['auto', ...drivers])
    .default('auto')
    .describe('The driver of the application, which says how its URL is read.'),
  ...loginFields,
  table: z
    .string()
    .regex(shapes.table.pattern, `expected ${shapes.table.expected}`)
    .describe('The table in which the application keeps mail that is to be sent.'),
  created: column('The column with the time at which a mail was put there (`timestamptz`).'),
  pending: predicate('Which rows wait to be sent.', '"sent_at is null"'),
  sent: column('The column with the time at which a mail was sent.').optional(),
  sending: predicate(
    'Which rows are being sent. One that is older than `stuck_after` is stuck too.',
    '"status = \'sending\'"',
  ).optional(),
  failed: predicate('Which rows the application has given up.', '"attempts >= 5"').optional(),
  late_after: duration('The oldest mail that waits longer than this is a warning.')
    .default(300_000)
    .meta({ default: '5m' }),
  stuck_after: duration('The oldest mail that waits longer than this is a failure.')
    .default(900_000)
    .meta({ default: '15m' }),
  quiet_after: longDuration('If nothing was sent for this long, warn. Needs `sent`. Default: never.').optional(),
  limit: count('Counting stops at this many rows.').default(10_000),
  watch: flag(
    'Keep an idle session open, for `login_interval`; its end is noticed at once. It is only queried if `login_interval` is set. It takes one of the connections of the role. While it is open, the database cannot be dropped.',
  ).default(false),
  login_interval: loginInterval,
}).superRefine((value, context) => {
  certificatePair(value, context)
  loginIntervalNeedsWatch(value, context)
  if ((value.url === undefined) === (value.host === undefined)) context.addIssue('give exactly one of url and host')
  if (value.url !== undefined)
    for (const key of ['database', 'sslmode'] as const)
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: `${key} goes with host; a url says it itself` })
  if (value.quiet_after !== undefined && value.sent === undefined)
    context.addIssue({ code: 'custom', path: ['quiet_after'], message: 'goes together with sent' })
  if (value.late_after > value.stuck_after)
    context.addIssue({ code: 'custom', path: ['late_after'], message: 'must not be more than stuck_after' })
})
