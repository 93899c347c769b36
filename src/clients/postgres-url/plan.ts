import type { KeptKeys } from '../scram.ts'

/** The Postgres drivers whose reading of a connection URL is known here. */
export const drivers = ['libpq', 'node-postgres', 'postgres.js', 'prisma'] as const
export type Driver = (typeof drivers)[number]

/** A place to connect to: a TCP port, or a Unix socket `folder/.s.PGSQL.port`. */
export type Endpoint =
  | {
      readonly kind: 'tcp'
      /** The name that is shown, sent as SNI, and verified. */
      readonly host: string
      /** The address to connect to, if it is given in addition to the name (libpq's `hostaddr`). */
      readonly address?: string | undefined
      readonly port: number
    }
  | { readonly kind: 'socket'; readonly folder: string; readonly port: number }

/** PEM in a file of the application, or PEM text in a setting. */
export type Pem = { readonly file: string } | { readonly text: string }

export interface ClientCertificate {
  readonly cert: Pem
  readonly key: Pem
  readonly passphrase?: string | undefined
  /**
   * As in libpq: a key file that others may use is refused, and without the certificate file, no certificate is shown.
   */
  readonly guarded?: boolean | undefined
}

export interface TlsPlan {
  /**
   * `never`: in the clear. `allow`: TLS after a refusal in the clear. `prefer`: TLS if the server offers it, and in the
   * clear after a refusal. `opportunistic`: TLS if the server offers it, without a second try. `require`: TLS or
   * nothing.
   */
  readonly use: 'never' | 'allow' | 'prefer' | 'opportunistic' | 'require'
  /** Whether TLS begins with the first byte (`sslnegotiation=direct`), and not after an SSLRequest. */
  readonly direct: boolean
  readonly verify: 'nothing' | 'chain' | 'chain and name'
  /** `usual`: the authorities of the driver or the system. */
  readonly authorities: 'usual' | Pem
  /** As in libpq in all modes but `verify-…`: without the file of authorities, nothing is verified. */
  readonly authoritiesOptional?: boolean | undefined
  /** As in the engine of Prisma: the usual authorities count in addition to those of the file. */
  readonly usualToo?: boolean | undefined
  readonly certificate?: ClientCertificate | undefined
  /** The name that the certificate must have if the host is an IP address: postgres.js takes localhost. */
  readonly nameOfAddress?: string | undefined
  /** The login must be bound to its TLS connection (SCRAM-SHA-256-PLUS): `channel_binding=require`. */
  readonly bound?: boolean | undefined
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
export const targetSessionAttrs = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type TargetSessionAttrs = (typeof targetSessionAttrs)[number]

/** How a driver would connect. The run does exactly this. Two equal plans behave alike, whatever the driver. */
export interface Plan {
  /** In the order in which they are tried; at least one. */
  readonly endpoints: readonly Endpoint[]
  /** Empty if none is given: the driver would take the user of the operating system, which is not known here. */
  readonly user: string
  readonly database: string
  readonly password: string | undefined
  readonly tls: TlsPlan
  readonly targetSessionAttrs: TargetSessionAttrs
  /** A standby counts as read-write: postgres.js reads only default_transaction_read_only. */
  readonly standbyCountsAsReadWrite?: boolean | undefined
  /**
   * As in postgres.js: the next endpoint is tried after anything that is no answer of the server, such as failed TLS,
   * but not after 57P03 or a time-out.
   */
  readonly nextAfterBreak?: boolean | undefined
  /** Further parameters of the startup message, such as `options`, `application_name`, `search_path`. */
  readonly startup: Readonly<Record<string, string>>
  /** Milliseconds for one endpoint; undefined if only the deadline of the run limits it. */
  readonly connectTimeoutMs: number | undefined
  /** Keys of earlier logins of the same target. */
  readonly keptKeys?: KeptKeys | undefined
}

/** How a driver reads a URL. Its texts contain nothing of the URL but the names of parameters. */
export type Reading =
  | {
      readonly kind: 'plan'
      readonly plan: Plan
      /** Parameters that the driver itself skips. */
      readonly ignored: readonly string[]
    }
  /** The driver refuses it, or cannot connect with it anywhere. The error completes "libpq refuses it: …". */
  | { readonly kind: 'refused'; readonly error: string }
  /**
   * It may be valid, but cannot be followed here. The text completes "the URL …" and names the parameter or the form.
   */
  | { readonly kind: 'not_understood'; readonly why: string }

/** What an application gives to its driver. */
export interface Given {
  /** A URL, or a conninfo string; undefined if the settings say everything. */
  readonly url: string | undefined
  /** The application's own `PG*` settings. Never those of the exporter. */
  readonly settings: PgSettings
  /** The file of authorities from a key of the configuration. It overrides the URL. */
  readonly caFile?: string | undefined
  /** The password from a key of the configuration. It overrides the URL. */
  readonly password?: string | undefined
}

/** The application's settings that a driver reads in addition to the URL, by name: `PGHOST`, `PGSSLMODE`, … */
export type PgSettings = Readonly<Record<string, string>>
