import * as z from 'zod'
import type { Driver } from '../../clients/postgres-url/plan.ts'
import type { Target } from '../../core/probe.ts'
import type { Reference, Resolvable } from '../../core/reference.ts'
import { certificateWarning, count, duration, flag, name, secret, section, targetFields } from '../../fields/index.ts'
import { drivers, loginFields, loginInterval, loginIntervalNeedsWatch } from '../../fields/postgres.ts'
import { postgresUrl } from '../../fields/postgres-url.ts'
import { certificatePair } from '../../fields/together.ts'

export interface PostgresTarget extends Target {
  readonly cluster: string
  readonly url: Resolvable
  readonly password?: Reference | undefined
  readonly driver: Driver
  readonly pg_settings?: Readonly<Record<string, Resolvable>> | undefined
  readonly ca_file?: string | undefined
  /** Milliseconds. */
  readonly certificate_warning: number
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
  readonly max_lag: number
  /** In transactions, and in multixacts. */
  readonly max_transaction_id_age: number
  readonly max_multixact_age: number
  /** In bytes. */
  readonly max_slot_wal: number
  readonly max_archive_failure: number
  readonly max_prepared_time: number
  readonly max_transaction_time: number
  readonly watch: boolean
  readonly login_interval?: number | undefined
}

export const postgresTarget = section({
  ...targetFields,
  cluster: name.describe('The cluster the node belongs to.'),
  url: postgresUrl(
    'Where to log in. `sslmode` means what it means to libpq.',
    'postgres://mailpath@db-1:5432/postgres',
  ),
  password: secret('Password of the role.').optional(),
  driver: z
    .enum(drivers)
    .default('libpq')
    .describe('The driver whose reading of the URL counts, if the URL is that of an application.'),
  ...loginFields,
  certificate_warning: certificateWarning,
  max_lag: duration('A replay lag from here on is a warning.').default(30_000).meta({ default: '30s' }),
  max_transaction_id_age: count(
    'An age of transaction IDs from here on is a warning. The server stops at 2147483648.',
  ).default(1_000_000_000),
  max_multixact_age: count('An age of multixacts from here on is a warning.').default(1_000_000_000),
  max_slot_wal: count(
    'Bytes of WAL that a replication slot may hold. For a slot without a reader, or one beyond max_wal_size.',
  ).default(134_217_728),
  max_archive_failure: duration(
    'If the last try to archive failed: how long ago a WAL file may last have been archived.',
  )
    .default(10_000)
    .meta({ default: '10s' }),
  max_prepared_time: duration('How long a prepared transaction may stay open.')
    .default(300_000)
    .meta({ default: '5m' }),
  max_transaction_time: duration('How long a transaction of a client that holds back vacuum may be open.')
    .default(3_600_000)
    .meta({ default: '1h' }),
  watch: flag(
    'Keep an idle session open, to notice at once when the node goes down or restarts. It is only queried if `login_interval` is set. While it is open, its database cannot be dropped.',
  ).default(true),
  login_interval: loginInterval,
}).superRefine((value, context) => {
  certificatePair(value, context)
  loginIntervalNeedsWatch(value, context)
})
