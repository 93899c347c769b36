import type * as z from 'zod'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { certificateWarning, duration, secret, section, targetFields } from '../../fields/index.ts'
import { loginFields } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { certificatePair } from '../../fields/together.ts'

export interface PgbouncerTarget extends Target {
  readonly url: Resolvable
  readonly password?: Reference | undefined
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly max_wait: number
}

export const pgbouncerTarget: z.ZodType<PgbouncerTarget> = section({
  ...targetFields,
  url: postgresUrl(
    'Its admin console, as a user of `stats_users` or `admin_users`. The database is called pgbouncer.',
    'postgres://stats@pool-1:6432/pgbouncer',
  ),
  password: secret('Password of that user.').optional(),
  ...loginFields,
  certificate_warning: certificateWarning,
  max_wait: duration('A client that waits this long for a server connection is a warning.')
    .default(5_000)
    .meta({ default: '5s' }),
}).superRefine(certificatePair)
