import { isDeepStrictEqual } from 'node:util'

/**
 * A result for each key, made again only when it would be made of something else: what it is made of is told by identity.
 * One that equals the one before *is* the one before, so that what follows from it can be recalled in turn. Nothing but
 * speed comes of it.
 */
export type Recall<Key extends object, Result> = (
  key: Key,
  of: readonly unknown[],
  make: () => Result,
  /** Whether nothing else went into it, such as the time. */
  isLasting?: (result: Result) => boolean,
) => Result

export function createRecall<Key extends object, Result>(): Recall<Key, Result> {
  const kept = new WeakMap<Key, { readonly of: readonly unknown[]; readonly result: Result }>()
  return (key, of, make, isLasting = () => true) => {
    const last = kept.get(key)
    if (last && last.of.length === of.length && of.every((one, i) => one === last.of[i])) return last.result
    const made = make()
    const result = last && isDeepStrictEqual(last.result, made) ? last.result : made
    if (isLasting(result)) kept.set(key, { of, result })
    else kept.delete(key)
    return result
  }
}
