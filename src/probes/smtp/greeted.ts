import { isDeepStrictEqual } from 'node:util'
import { replyTo, type Reply } from './dialogue.ts'
import type { SmtpTarget } from './target.ts'

interface Known {
  name: string | undefined
}

/** The name in the last greeting, by target. Another probe may have the target of a reload in hand, so the two share it. */
const known = new WeakMap<SmtpTarget, Known>()

function knownOf(target: SmtpTarget): Known {
  let one = known.get(target)
  if (!one) known.set(target, (one = { name: undefined }))
  return one
}

/** The name by which the relay greeted last, in small letters; undefined if it was not asked yet, or greets with none. */
export const greetedBy = (target: SmtpTarget): string | undefined => known.get(target)?.name

/** Remembers the name in the greeting of a session, if there was one. */
export function rememberGreeting(target: SmtpTarget, replies: readonly Reply[]): void {
  const greeting = replyTo({ replies }, 'greeting')
  if (greeting?.code === 220) knownOf(target).name = nameIn(greeting.text)
}

/** RFC 5321, 4.2: the domain follows the code. One without a dot is of no use in DNS. */
const nameIn = (greeting: string): string | undefined =>
  /^220[ -]((?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.){1,30}[a-z](?:[a-z0-9-]{0,61}[a-z0-9]))\.?(?:\s|$)/i
    .exec(greeting)?.[1]
    ?.toLowerCase()

/** Another relay begins from nothing. */
export function inheritGreeting(before: SmtpTarget, target: SmtpTarget): void {
  if (isDeepStrictEqual(placeOf(before), placeOf(target))) known.set(target, knownOf(before))
}

const placeOf = ({ url, host, port }: SmtpTarget) => ({ url, host, port })
