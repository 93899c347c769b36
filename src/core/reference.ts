import type { Want } from './want.ts'

/** A value of the configuration that is fetched when needed. Exactly one source is set. */
export interface Reference {
  readonly env?: string | undefined
  readonly file?: string | undefined
  /** Name of a credential that systemd gives to the exporter. */
  readonly credential?: string | undefined
  readonly dotenv?: string | undefined
  readonly ini?: string | undefined
  /** With `ini`. */
  readonly section?: string | undefined
  /** With `dotenv` and `ini`. */
  readonly key?: string | undefined
  /** With `dotenv`: whether the application expands `${NAME}` in it. Undefined if not configured. */
  readonly expand?: boolean | undefined
  readonly kubernetes?: (KubernetesSecret & { readonly key: string }) | undefined
  readonly vault?: { readonly target: string; readonly path: string; readonly key: string } | undefined
  /** The value is a URL of Postgres, and only this part of it is wanted. */
  readonly part?: UrlPart | undefined
  /** Used if the source is there and has no such key. */
  readonly default?: string | undefined
}
export const urlParts = ['user', 'password', 'database'] as const
export type UrlPart = (typeof urlParts)[number]
export type Resolvable = string | number | Reference

export interface KubernetesSecret {
  /** May be left out only inside of a cluster: then it is the namespace of the exporter. */
  readonly namespace?: string | undefined
  readonly secret: string
}

/** A value that cannot be used. `why` continues a sentence that begins with its name, and hides the value. */
export interface Unreadable {
  readonly why: string
}

/** By name. */
export type Settings = Readonly<Record<string, string | Unreadable>>

/** What is known of a server that gave no whole answer. */
interface Unanswered {
  /** Such as `ECONNREFUSED`, and whether it was in the TLS handshake. */
  readonly code?: string | undefined
  readonly tls?: boolean | undefined
  /** See Failure. */
  readonly want?: Want | undefined
}

/** How the API server answered for a Secret, without its values. */
export interface ApiServerAnswer extends Unanswered {
  /** `unresolved`: unknown how to reach it or log in; `unanswered`: no whole answer; the rest: what it answered. */
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
  /** `host:port`; undefined if unknown. */
  readonly address: string | undefined
  /** One line without secrets; empty if all is well. */
  readonly text: string
}

/** Where an application keeps all of its settings. */
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
  /** Infinity if it never expires. */
  readonly ttlSeconds: number
  /** Milliseconds since the epoch by Vault's clock, or Infinity. */
  readonly expiresAt: number
  /** Requests it is still good for; Infinity if unlimited. */
  readonly uses: number
}

/** The state of a login at Vault. It may have a token and a failure, while the token of an earlier login lives. */
export interface Login {
  readonly token: string | undefined
  /** Why the last attempt to log in or to renew the token failed. */
  readonly failure: LoginFailure | undefined
  /** For a token with a limited number of uses, so that no look-up takes one of them. */
  readonly life?: TokenLife | undefined
  /** When Vault last accepted the token, for any check, by the monotonic clock. */
  readonly servedAt?: number | undefined
  /** Whether the token came from a login. */
  readonly byLogin?: boolean | undefined
  /** Call it when Vault accepted the token. */
  readonly accepted?: (() => void) | undefined
  /** Call it with the result of a look-up, for a token that the configuration names by a reference. */
  readonly learn?: ((life: TokenLife) => void) | undefined
}

export interface LoginFailure extends Unanswered {
  /**
   * `unresolved`: no credentials; `unanswered`: no whole answer came; `wrapped`: a wrapping token was configured
   * instead of its content; `used_up`: we took all of its uses; the others are answers of Vault.
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
  /** One line without secrets. */
  readonly text: string
}
