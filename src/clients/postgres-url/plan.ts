/** The Postgres drivers whose reading of a connection URL is known here. */
export const drivers = ['libpq', 'node-postgres', 'postgres.js', 'prisma'] as const
export type Driver = (typeof drivers)[number]

/** Where a driver connects to: a TCP port, or a Unix socket `folder/.s.PGSQL.port`. */
export type Endpoint =
  | {
      readonly kind: 'tcp'
      /** The name that is shown, sent as SNI, and verified. */
      readonly host: string
      /** The address to connect to, where it is given beside the name (libpq's `hostaddr`). */
      readonly address?: string | undefined
      readonly port: number
    }
  | { readonly kind: 'socket'; readonly folder: string; readonly port: number }

/** PEM in a file of the application, or PEM text that stood in a setting. */
export type Pem = { readonly file: string } | { readonly text: string }

export interface ClientCertificate {
  readonly cert: Pem
  readonly key: Pem
  readonly passphrase?: string | undefined
  /**
   * A file of the key that others than its owner may use is refused, and where there is no file of the certificate, none
   * is shown: so libpq has it.
   */
  readonly guarded?: boolean | undefined
}

export interface TlsPlan {
  /**
   * `never`: in the clear. `allow`: TLS after a refusal in the clear. `prefer`: TLS where it is offered, and in the clear
   * after a refusal. `opportunistic`: TLS where it is offered, and no second try. `require`: TLS or nothing.
   */
  readonly use: 'never' | 'allow' | 'prefer' | 'opportunistic' | 'require'
  /** Whether TLS begins with the first byte (`sslnegotiation=direct`), instead of after an SSLRequest. */
  readonly direct: boolean
  readonly verify: 'nothing' | 'chain' | 'chain and name'
  /** `usual`: the authorities that come with the driver or the system. */
  readonly authorities: 'usual' | Pem
  /** Nothing is verified where the file of the authorities is not there: so libpq has it in all modes but `verify-…`. */
  readonly authoritiesOptional?: boolean | undefined
  /** The usual authorities count beside those of the file: so Prisma's engine has it. */
  readonly usualToo?: boolean | undefined
  readonly certificate?: ClientCertificate | undefined
  /** The name that the certificate has to be for where the host is an IP address: postgres.js takes localhost. */
  readonly nameOfAddress?: string | undefined
  /** The login has to be bound to the TLS it comes by (SCRAM-SHA-256-PLUS): `channel_binding=require`. */
  readonly bound?: boolean | undefined
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS */
export const targetSessionAttrs = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type TargetSessionAttrs = (typeof targetSessionAttrs)[number]

/** How a driver would connect. What is run is exactly this. Two equal plans behave alike, whichever driver made them. */
export interface Plan {
  /** In the order in which they are tried; at least one. */
  readonly endpoints: readonly Endpoint[]
  /** Empty where none is given: the driver would take that of the operating system, which is not known here. */
  readonly user: string
  readonly database: string
  readonly password: string | undefined
  readonly tls: TlsPlan
  readonly targetSessionAttrs: TargetSessionAttrs
  /** A standby counts as read-write: postgres.js looks at default_transaction_read_only alone. */
  readonly standbyCountsAsReadWrite?: boolean | undefined
  /**
   * The next endpoint is tried after whatever is no answer of the server, such as TLS that comes to nothing, and not after
   * 57P03 or a timeout: so postgres.js has it.
   */
  readonly nextAfterBreak?: boolean | undefined
  /** Further parameters of the startup message, such as `options`, `application_name`, `search_path`. */
  readonly startup: Readonly<Record<string, string>>
  /** Milliseconds for one endpoint; undefined where only the run's deadline bounds it. */
  readonly connectTimeoutMs: number | undefined
}

/** What a driver makes of a URL. No text in it has anything of the value, but the names of its parameters. */
export type Reading =
  | {
      readonly kind: 'plan'
      readonly plan: Plan
      /** Parameters that the driver itself passes over. */
      readonly ignored: readonly string[]
    }
  /** The driver itself refuses it, or cannot connect with it anywhere, with this error. It completes "libpq refuses it: …". */
  | { readonly kind: 'refused'; readonly error: string }
  /** It may mean something, and cannot be followed here: what completes "the URL …", with the parameter or the form by name. */
  | { readonly kind: 'not_understood'; readonly why: string }

/** What an application gives its driver. */
export interface Given {
  /** A URL, or a conninfo string; undefined where the settings say all. */
  readonly url: string | undefined
  /** The application's own `PG*` settings. Never the environment of the exporter. */
  readonly settings: PgSettings
  /** The file of the authorities that a key of the configuration names. It counts before one of the URL. */
  readonly caFile?: string | undefined
  /** The password that a key of the configuration leads to. It counts before one of the URL. */
  readonly password?: string | undefined
}

/** The application's own settings that a driver reads beside the URL, by name: `PGHOST`, `PGSSLMODE`, … */
export type PgSettings = Readonly<Record<string, string>>
