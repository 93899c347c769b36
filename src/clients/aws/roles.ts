import { deadline } from '../../core/deadline.ts'
import { Unresolved, describeError } from '../../core/errors.ts'
import { endingWith, type Look } from '../../core/probe.ts'
import { HttpFailure } from '../http.ts'
import { Unusable, fetchKeys, type RoleCredentials } from './role-sources.ts'
import type { AwsKeys } from './sign.ts'

/** `unusable`: why there are none, or no new ones, in one line. */
export type RoleKeys =
  { readonly keys: AwsKeys; readonly unusable?: undefined } | { readonly keys?: undefined; readonly unusable: string }

interface Held {
  readonly keys: AwsKeys
  /** By the monotonic clock. */
  readonly renewAt: number
  readonly endsAt: number
}

/** The keys by target. Kept here because a probe has no state, and weakly, so that they go with the target. */
const held = new WeakMap<object, Held>()

/** Without an end the keys are asked for again after this time. In milliseconds. */
const usualLifeMs = 900_000
/** The service may not answer. Then there is time left to say so. */
const shareOfTime = 2

/**
 * The keys of the role of the exporter. They are kept until two thirds of their life are over. If they cannot be renewed
 * then, they are used to their end. `target` is what they are kept for.
 */
export async function keysOfRole(
  target: object,
  { credentials, region }: { readonly credentials: RoleCredentials; readonly region: string },
  look: Look,
): Promise<RoleKeys> {
  const last = held.get(target)
  const now = performance.now()
  if (last && now < last.renewAt) return concealed(last.keys, look)
  const limit = deadline(look.timeoutMs / shareOfTime, look.signal)
  try {
    const { keys, lifeMs = usualLifeMs } = await fetchKeys(credentials, region, endingWith(limit.signal, look))
    held.set(target, { keys, renewAt: now + (lifeMs * 2) / 3, endsAt: now + lifeMs })
    return concealed(keys, look)
  } catch (error) {
    if (!(error instanceof Unusable || error instanceof Unresolved || error instanceof HttpFailure)) throw error
    const unusable = describeError(error)
    if (!last || now >= last.endsAt) return { unusable }
    look.note(`the keys of the role could not be renewed, and are used to their end: ${unusable}`)
    return concealed(last.keys, look)
  } finally {
    limit.clear()
  }
}

/** Call it when AWS does not take the keys any more. Then the next run gets new ones. */
export const forgetKeysOfRole = (target: object): boolean => held.delete(target)

/** A run hides only the secrets that it knows. */
function concealed(keys: AwsKeys, look: Look): RoleKeys {
  look.conceal(keys.secretKey)
  if (keys.sessionToken !== undefined) look.conceal(keys.sessionToken)
  return { keys }
}
