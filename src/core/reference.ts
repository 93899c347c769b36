import type { Want } from './want.ts'

/** A config value that is fetched when needed. Exactly one source is set. */
export interface Reference {
  readonly env?: string | undefined
  readonly file?: string | undefined
  /** Name of a credential that systemd gives to the exporter. */
  readonly credential?: string | undefined
  readonly dotenv?: string | undefined
  readonly key?: string | undefined
  /** Of `dotenv`: whether the application expands `${NAME}` in it. Undefined where that was not said. */
  readonly expand?: boolean | undefined
  readonly kubernetes?: (KubernetesSecret & { readonly key: string }) | undefined
  readonly vault?: { readonly target: string; readonly path: string; readonly key: string } | undefined
  /** Used where the source is there but has no such key. */
  readonly default?: string | undefined
}
export type Resolvable = string | number | Reference

export interface KubernetesSecret {
  /** Only inside of a cluster it may be left out: there it is that of the exporter. */
  readonly namespace?: string | undefined
  readonly secret: string
}

/** A value that is there and cannot be taken. `why` continues a sentence that begins with its name, and has nothing of it. */
export interface Unreadable {
  readonly why: string
}

/** By name. */
export type Settings = Readonly<Record<string, string | Unreadable>>

/** What is known of a server that gave no whole answer. */
interface Unanswered {
  /** As `ECONNREFUSED`, and whether it was in the TLS handshake. */
  readonly code?: string | undefined
  readonly tls?: boolean | undefined
  /** See Failure. */
  readonly want?: Want | undefined
}

/** How the API server answered for a Secret, without what is in it. */
export interface ApiServerAnswer extends Unanswered {
  /** `unresolved`: it is not known how to reach it or to log in; `unanswered`: no whole answer came; else what it said. */
  readonly kind:
    | 'ok'
    | 'unresolved'
    | 'unanswered'
    | 'unauthorized'
    | 'forbidden'
    | 'missing'
    | 'throttled'
    | 'failed'
    | 'not_kubernetes'
  /** `host:port`; undefined where it is not known. */
  readonly address: string | undefined
  /** One line without a secret; empty where all is well. */
  readonly text: string
}

/** Where an application keeps its settings, all of them. */
export interface SettingsSource {
  readonly dotenv?: string | undefined
  /** See Reference. */
  readonly expand?: boolean | undefined
  readonly kubernetes?: KubernetesSecret | undefined
}

export interface LoginWanted {
  /** The token that Vault refused. */
  readonly refused?: string | undefined
  /** How many requests the token is for. Default 1. */
  readonly uses?: 0 | 1 | undefined
}

/** What is known of a token that Vault accepts. */
export interface TokenLife {
  /** Infinity where it never expires. */
  readonly ttlSeconds: number
  /** Milliseconds since the epoch by Vault's clock, or Infinity. */
  readonly expiresAt: number
  /** Requests it is still good for; Infinity for any number. */
  readonly uses: number
}

/** How the exporter stands with a Vault. There may be both, while the token of an earlier login lives. */
export interface Login {
  readonly token: string | undefined
  /** Why the last try to log in, or to renew the token, came to nothing. */
  readonly failure: LoginFailure | undefined
  /** Of a token with a limited number of uses, so that no look-up takes one of them. */
  readonly life?: TokenLife | undefined
  /** When Vault last accepted the token, for any check, by the monotonic clock. */
  readonly servedAt?: number | undefined
  /** The exporter got the token by a login. */
  readonly byLogin?: boolean | undefined
  /** Takes it that Vault accepted the token. */
  readonly accepted?: (() => void) | undefined
  /** Takes what a look-up said, of a token that stands in the configuration. */
  readonly learn?: ((life: TokenLife) => void) | undefined
}

export interface LoginFailure extends Unanswered {
  /**
   * `unresolved`: there was nothing to log in with; `unanswered`: no whole answer came; `wrapped`: a wrapping token was
   * given instead of what is in it; `used_up`: we took all of its uses; the others are what Vault said.
   */
  readonly kind:
    | 'unresolved'
    | 'unanswered'
    | 'wrapped'
    | 'used_up'
    | 'refused'
    | 'locked'
    | 'no_namespace'
    | 'sealed'
    | 'rate_limited'
    | 'redirected'
    | 'failed'
  /** One line without a secret. */
  readonly text: string
}
