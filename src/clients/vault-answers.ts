import { oneLine } from '../core/errors.ts'

/** An answer with any status; the body is parsed JSON, or the text if it is not JSON. */
export interface VaultAnswer {
  readonly status: number
  readonly body: unknown
}

/** Why a request was not served, apart from problems with its path. */
export interface Trouble {
  /** `failed`: any other status, or not an answer of Vault at all. */
  readonly kind: 'sealed' | 'rate_limited' | 'redirected' | 'failed'
  readonly text: string
}

/** The namespace that a request was sent to does not exist. */
export interface NoNamespace {
  readonly kind: 'no_namespace'
  readonly text: string
}

/** In the words of OpenBao and Vault. */
export const saysNoNamespace = ({ status, body }: VaultAnswer): boolean =>
  status === 404 && (errorsOf(body) ?? []).some(error => /namespace.*not found|no such namespace/i.test(error))

export type TokenRefusal = 'bad' | 'no_right' | 'unclear'

/**
 * What a 403 says of the token. `bad`: it is not valid, or (OpenBao) bound to other addresses. `no_right`: it may not
 * do this, or (Vault) is bound to other addresses. Other texts prove nothing: `unclear`.
 */
export function refusalOf(body: unknown): TokenRefusal | undefined {
  const errors = errorsOf(body)
  if (!errors) return undefined
  const text = errors.join(' ')
  if (/invalid token|bad token/.test(text)) return 'bad'
  if (text.trim() === 'permission denied') return 'bad'
  return text.includes('permission denied') ? 'no_right' : 'unclear'
}

export function troubleOf(answer: VaultAnswer): Trouble {
  const { status, body } = answer
  if (status >= 300 && status < 400)
    return { kind: 'redirected', text: `HTTP ${status}, a redirect, which is not followed` }
  if (status === 429 && errorsOf(body)) return { kind: 'rate_limited', text: answerText(answer) }
  if (status === 503 && errorsOf(body)?.some(error => error.includes('sealed')))
    return { kind: 'sealed', text: 'is sealed' }
  return { kind: 'failed', text: isVaults(body) ? answerText(answer) : `HTTP ${status}, not an answer of a Vault` }
}

/** For example `HTTP 403: permission denied`. */
export function answerText({ status, body }: VaultAnswer): string {
  const errors = errorsOf(body) ?? []
  return errors.length === 0 ? `HTTP ${status}` : `HTTP ${status}: ${inShort(oneLine(errors.join('; ')))}`
}

/** Cut between words: half of a token that the server repeats would not be redacted. */
const inShort = (text: string): string => (text.length <= 200 ? text : text.slice(0, 200).replace(/\S*$/, '…'))

export type Fields = Readonly<Record<string, unknown>>

/** The value if it is an object with fields. */
export const record = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

export const isVaults = (body: unknown): boolean => errorsOf(body) !== undefined || 'data' in (record(body) ?? {})

/** The errors in an answer of Vault; undefined if the body is not one of Vault's. */
export function errorsOf(body: unknown): string[] | undefined {
  const errors = record(body)?.['errors']
  return Array.isArray(errors) ? errors.filter(error => typeof error === 'string') : undefined
}
