import { domainOf } from '../../core/mail-address.ts'
import { verifiedIn, type Questions } from './questions.ts'
import type { SesIdentity } from './seen.ts'
import type { SesTarget } from './target.ts'

/** What SES signs mail of the sender with. */
export interface SesTokens {
  /** The domain that the records are in, in small letters. */
  readonly identity: string
  /** Each is a selector: `<token>._domainkey.<identity>`. Empty: SES signs with nothing, or has not made them yet. */
  readonly tokens: readonly string[]
  /**
   * Easy DKIM: each token leads to `<token>.<zone>` by a CNAME record. Undefined: the keys are the customer's own (BYODKIM), as
   * TXT records at the names themselves.
   */
  readonly zone: string | undefined
}

interface Known {
  tokens: SesTokens | undefined
}

/** What SES said last, by target. Another probe may have the target of a reload in hand, so the two share what is known. */
const known = new WeakMap<SesTarget, Known>()

function knownOf(target: SesTarget): Known {
  let one = known.get(target)
  if (!one) known.set(target, (one = { tokens: undefined }))
  return one
}

/** What SES signs with, as its last answer about the identity says; undefined if there was none yet. */
export const tokensOf = (target: SesTarget): SesTokens | undefined => known.get(target)?.tokens

/** Remembers what the last answers say. An answer that is missing changes nothing. */
export function rememberTokens(target: SesTarget, questions: Questions): void {
  const tokens = tokensIn(questions)
  if (tokens) knownOf(target).tokens = tokens
}

/** A target with another sender, region or account begins from nothing. */
export function inheritTokens(before: SesTarget, target: SesTarget): void {
  if (JSON.stringify(identityOf(before)) === JSON.stringify(identityOf(target))) known.set(target, knownOf(before))
}

const identityOf = ({ from, region, endpoint, access_key, credentials }: SesTarget) => [
  from,
  region,
  endpoint,
  access_key,
  credentials,
]

/** Of the identity that decides: the one that is verified, else the first one that has any. */
function tokensIn({ identities }: Questions): SesTokens | undefined {
  const verified = verifiedIn(identities)
  const answers = [...(verified ? [verified] : []), ...identities].flatMap(({ name, question: { last } }) =>
    last?.answer.kind === 'ok' ? [{ identity: domainOf(name).toLowerCase(), dkim: last.answer.value.dkim }] : [],
  )
  const found = answers.find(({ dkim }) => dkim.tokens?.length) ?? answers[0]
  if (!found) return undefined
  const { identity, dkim } = found
  return {
    identity,
    tokens: dkim.enabled === false ? [] : (dkim.tokens ?? []),
    zone: isOwnKey(dkim) ? undefined : (dkim.zone ?? usualZone),
  }
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DkimAttributes.html */
const isOwnKey = ({ origin }: SesIdentity['dkim']): boolean => origin === 'EXTERNAL'
/** Of most regions. SES names it since December 2025. */
const usualZone = 'dkim.amazonses.com'
