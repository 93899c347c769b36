import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type pg from 'pg'
import { fingerprint } from '../core/fingerprint.ts'

/** What a login needs of a password (RFC 5802, section 3). A client may keep them (section 5.1). */
interface Keys {
  readonly client: Buffer
  readonly server: Buffer
}

/** Keys of earlier logins, by a keyed hash of password, salt and rounds. */
export type KeptKeys = Map<string, Keys>

/** Keys by target, weakly, so that they go with the target. */
const kept = new WeakMap<object, KeptKeys>()
/** A pooler may have a salt of its own for each login. */
const mostKept = 8

/** The keys that are kept for the logins of a target. */
export function keptKeys(target: object): KeptKeys {
  const known = kept.get(target) ?? new Map<string, Keys>()
  kept.set(target, known)
  return known
}

/** Private parts of node-postgres that are used here. */
interface Inside {
  readonly password: unknown
  readonly enableChannelBinding: boolean
  /** Null again once the server has proved that it knows the password. */
  readonly saslSession: SaslSession | null
  _handleAuthSASLContinue: (message: { readonly data: string }) => Promise<void>
  _handleAuthSASLFinal: (message: { readonly data: string }) => void
  readonly connection: { sendSCRAMClientFinalMessage: (text: string) => void }
}
interface SaslSession {
  readonly mechanism: string
  readonly clientNonce: string
  message: string
  response: string
  serverSignature?: string
}

/**
 * Has the client take the keys of an earlier login: to derive them from the password takes 4,096 rounds of hashing in five
 * jobs. Only a usual login is answered here: any other one, and any mistake of the server, is left to node-postgres. So is the
 * proof of the server, and keys are kept only of a server that has given it.
 */
export function useKeptKeys(client: pg.Client, keys: KeptKeys): void {
  const inside = client as unknown as Inside
  const { _handleAuthSASLContinue: byPg, _handleAuthSASLFinal: finishByPg } = inside
  let used: { readonly name: string; readonly keys: Keys } | undefined
  inside._handleAuthSASLContinue = async message => {
    const challenge = usualChallenge(inside, message.data)
    if (!challenge) return byPg.call(client, message)
    const name = fingerprint([challenge.password, challenge.salt, challenge.rounds])
    used = { name, keys: keys.get(name) ?? (await derive(challenge)) }
    inside.connection.sendSCRAMClientFinalMessage(answer(challenge, used.keys))
  }
  inside._handleAuthSASLFinal = message => {
    finishByPg.call(client, message)
    if (used && inside.saslSession === null) keep(keys, used.name, used.keys)
  }
}

function keep(keys: KeptKeys, name: string, one: Keys): void {
  // Behind the others: the one used last goes last.
  keys.delete(name)
  keys.set(name, one)
  for (const [oldest] of keys) if (keys.size > mostKept) keys.delete(oldest)
}

interface Challenge {
  readonly session: SaslSession
  readonly password: string
  readonly nonce: string
  readonly salt: string
  readonly rounds: number
  /** The message itself. */
  readonly data: string
}

/** The server's first message, as RFC 5802 (section 7) has it without extensions. */
const firstMessage =
  /^r=([\x21-\x2b\x2d-\x7e]+),s=((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)),i=([1-9]\d{0,5})$/
/** More rounds are refused by node-postgres. */
const maxRounds = 100_000

/** Undefined where node-postgres has to decide. SASLprep leaves a printable password of ASCII as it is. */
function usualChallenge(
  { saslSession: session, password, enableChannelBinding }: Inside,
  data: string,
): Challenge | undefined {
  if (session?.mechanism !== 'SCRAM-SHA-256' || session.message !== 'SASLInitialResponse') return undefined
  if (enableChannelBinding || typeof password !== 'string' || !/^[ -~]+$/.test(password)) return undefined
  const [, nonce = '', salt = '', count = ''] = firstMessage.exec(data) ?? []
  const rounds = Number(count)
  const isOurs = nonce.startsWith(session.clientNonce) && nonce !== session.clientNonce
  return isOurs && rounds <= maxRounds ? { session, password, nonce, salt, rounds, data } : undefined
}

const pbkdf2Async = promisify(pbkdf2)
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

async function derive({ password, salt, rounds }: Challenge): Promise<Keys> {
  const salted = await pbkdf2Async(password, Buffer.from(salt, 'base64'), rounds, 32, 'sha256')
  return { client: hmac(salted, 'Client Key'), server: hmac(salted, 'Server Key') }
}

/** The client's final message. The session gets what the server has to prove. */
function answer({ session, nonce, data }: Challenge, keys: Keys): string {
  // `biws` is "n,,": no channel binding.
  const withoutProof = `c=biws,r=${nonce}`
  const all = `n=*,r=${session.clientNonce},${data},${withoutProof}`
  const signature = hmac(createHash('sha256').update(keys.client).digest(), all)
  const proof = keys.client.map((byte, at) => byte ^ (signature[at] ?? 0))
  session.message = 'SASLResponse'
  session.serverSignature = hmac(keys.server, all).toString('base64')
  session.response = `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  return session.response
}
