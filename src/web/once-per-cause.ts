import { createMemo } from '../core/memo.ts'

/** How many results are kept, and how long all of them may be together, in bytes or characters. */
const most = { results: 50, length: 4 * 1024 * 1024 }

interface Kept<Result> {
  readonly result: Promise<Result>
  /** 0 until the result is there. */
  length: number
}

/**
 * Does the work once per key while its causes are the same objects. Requests in the meantime share the result. A result is
 * never made from causes older than the request for it. Keys may come from clients, so only the last few results are kept:
 * at most 50, and 4 MiB. The last one is kept whatever its length.
 */
export function oncePerCause<Key, Result extends { readonly length: number }>(
  work: (key: Key) => Promise<Result>,
  causes: () => readonly unknown[],
): (key: Key) => Promise<Result> {
  const resultsOf = createMemo<object, Map<Key, Kept<Result>>>()
  return key => {
    const results = resultsOf(causes, causes(), () => new Map())
    const known = results.get(key)
    if (known) return known.result
    const one: Kept<Result> = { result: work(key), length: 0 }
    results.set(key, one)
    dropOldest(results)
    one.result.then(
      ({ length }) => {
        one.length = length
        dropOldest(results)
      },
      () => results.delete(key),
    )
    return one.result
  }
}

function dropOldest(results: Map<unknown, Kept<unknown>>): void {
  let length = 0
  for (const one of results.values()) length += one.length
  for (const [key, one] of results) {
    if (results.size === 1 || (results.size <= most.results && length <= most.length)) return
    results.delete(key)
    length -= one.length
  }
}
