import { isDeepStrictEqual } from 'node:util'

/**
 * Keeps the last result for each key, and makes it again only when one of the objects it is made of is another one. This is
 * the only way in which the program caches what does not depend on the time. The rule:
 *
 * - Objects are never changed: what differs is a new object. So the same object means that nothing has changed.
 * - `of` lists everything that `make` reads and that can change, except the key. It is compared by identity, item by item.
 * - A new result that equals the last one is dropped and the last one is given, so that results made of it are kept too.
 * - A promise equals no other, and one that rejects is forgotten.
 * - A result lives as long as its key. Nothing has to be cleared.
 * - It is only a cache: `make` would give the same result each time, only later.
 */
type Memo<Key extends object, Result> = (
  key: Key,
  of: readonly unknown[],
  make: () => Result,
  /** False where something else went into the result, such as the time: it is not kept. */
  isLasting?: (result: Result) => boolean,
) => Result

export function createMemo<Key extends object, Result>(): Memo<Key, Result> {
  const kept = new WeakMap<Key, { readonly of: readonly unknown[]; readonly result: Result }>()
  return (key, of, make, isLasting) => {
    const last = kept.get(key)
    if (last && areSame(last.of, of)) return last.result
    const made = make()
    const isPromise = made instanceof Promise
    const result = last && !isPromise && isDeepStrictEqual(last.result, made) ? last.result : made
    if (isLasting?.(result) ?? true) kept.set(key, { of, result })
    else kept.delete(key)
    if (isPromise) made.catch(() => kept.get(key)?.result === made && kept.delete(key))
    return result
  }
}

/** A loop, since this is called thousands of times for each assessment. */
function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
