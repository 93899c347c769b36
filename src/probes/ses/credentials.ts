import type { AwsKeys } from '../../clients/aws/sign.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { readSetting, usable, withToken, type ReadSetting } from './settings.ts'
import type { SesTarget } from './target.ts'
import { readToken } from './wanted.ts'

/** The settings that a request to SES is signed with. */
export interface Credentials {
  readonly token: Token
  readonly region: ReadSetting
  /** Undefined with `credentials`. */
  readonly pair: Pair | undefined
  /** The keys, if all of them are there and well formed. */
  readonly keys: AwsKeys | undefined
}

/** Reads them. What cannot be read is part of the result. */
export async function readCredentials(target: SesTarget, look: Look): Promise<Credentials> {
  const reading = tokenOf(target, look)
  const [token, region, pair] = await Promise.all([
    reading,
    readSetting('region', target.region, look),
    target.credentials === undefined ? readPair(target, reading, look) : undefined,
  ])
  return { token, region, pair, keys: pair && keysIn(pair, token.value) }
}

export interface Pair {
  readonly accessKey: ReadSetting
  readonly secretKey: ReadSetting
}

async function readPair(target: SesTarget, token: Promise<Token>, look: Look): Promise<Pair> {
  const [accessKey, secretKey] = await Promise.all([
    readSetting('access_key', target.access_key ?? '', look),
    readSetting('secret_key', target.secret_key ?? '', look),
  ])
  const { value, unreadable } = await token
  return { accessKey: value === undefined && unreadable === undefined ? accessKey : withToken(accessKey), secretKey }
}

function keysIn(pair: Pair, sessionToken: string | undefined): AwsKeys | undefined {
  const [accessKey, secretKey] = [usable(pair.accessKey), usable(pair.secretKey)]
  return accessKey === undefined || secretKey === undefined ? undefined : { accessKey, secretKey, sessionToken }
}

interface Token {
  readonly value?: string
  /** Why it could not be read. */
  readonly unreadable?: string
}

async function tokenOf({ session_token }: SesTarget, look: Look): Promise<Token> {
  try {
    const value = await readToken('session_token', session_token, look)
    return value === undefined ? {} : { value }
  } catch (error) {
    if (!(error instanceof Unresolved)) throw error
    return { unreadable: describeError(error) }
  }
}
