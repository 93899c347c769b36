import type { Vault } from '../clients/vault.ts'
import { lookIntoWrapping } from '../clients/vault-login.ts'
import { describeError } from '../core/errors.ts'
import type { Login, LoginFailure, TokenLife } from '../core/reference.ts'
import type { Given, Logins } from './logins.ts'
import { requestFailure } from './wrap-error.ts'

/** A token that the configuration names by a reference. */
interface GivenToken {
  /** The Vault, and the source of the token. */
  readonly key: string
  readonly token: string
  /** Opens the Vault without the token. */
  readonly open: () => Promise<Vault>
}

/**
 * Whether the token may be used, and for how many requests. Before its first use Vault is asked whether it is a
 * wrapping token, since any use would destroy that. One with a limited number of uses is looked up once, then counted.
 */
export async function givenAt(logins: Logins, { key, token, open }: GivenToken, uses: number): Promise<Login> {
  const known = logins.given(key, token)
  if (!known) {
    const failure = await whyNot(open, token)
    if (failure) return { token: undefined, failure }
  }
  const given = logins.given(key, token) ?? remember(logins, key, token)
  const { servedAt } = given
  // Look it up again, to see what has become of it.
  if (given.life && Date.now() >= given.life.expiresAt) given.life = undefined
  const { life } = given
  const learn = (found: TokenLife): void => {
    given.life = { expiresAt: found.expiresAt, uses: found.uses, of: given.life?.of ?? found.uses + 1 }
  }
  const accepted = (): void => {
    given.servedAt = performance.now()
  }
  if (!life) return { token, failure: undefined, servedAt, learn, accepted }
  if (life.uses === 0) {
    const text = `the token had ${life.of} uses when it was first seen, and they are used up`
    return { token: undefined, failure: { kind: 'used_up', text } }
  }
  given.life = { ...life, uses: life.uses - uses }
  const ttlSeconds = (life.expiresAt - Date.now()) / 1000
  return { token, failure: undefined, servedAt, accepted, life: { ...given.life, ttlSeconds } }
}

/** Remembers that Vault refused the token: if its uses are limited, others have used the rest. */
export function givenRefused(logins: Logins, key: string, token: string): void {
  const given = logins.given(key, token)
  if (given?.life) given.life = { ...given.life, uses: 0 }
}

/** Remembers that a secret was read with the token. */
export function givenServed(logins: Logins, key: string, token: string): void {
  const given = logins.given(key, token)
  if (given) given.servedAt = performance.now()
}

function remember(logins: Logins, key: string, token: string): Given {
  const given: Given = { token }
  logins.give(key, given)
  return given
}

async function whyNot(open: GivenToken['open'], token: string): Promise<LoginFailure | undefined> {
  try {
    const answer = await lookIntoWrapping(await open(), token)
    if (answer.kind === 'plain') return undefined
    if (answer.kind !== 'wrapped') return answer
    return { kind: 'wrapped', text: 'it is a wrapping token, and not the token that is wrapped in it' }
  } catch (error) {
    return requestFailure(error, describeError(error))
  }
}
