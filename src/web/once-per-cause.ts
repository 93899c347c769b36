import { createMemo } from '../core/memo.ts'

const mostKept = 50

/**
 * Does the work once per key while its causes are the same objects. Requests in the meantime share the result. A result is
 * never made from causes older than the request for it. Keys may come from clients, so only the last few results are kept.
 */
export function oncePerCause<Key, Result>(
  work: (key: Key) => Promise<Result>,
  causes: () => readonly unknown[],
): (key: Key) => Promise<Result> {
  const resultsOf = createMemo<object, Map<Key, Promise<Result>>>()
  return key => {
    const results = resultsOf(causes, causes(), () => new Map())
    const known = results.get(key)
    if (known) return known
    const result = work(key)
    results.set(key, result)
    const [oldest] = results.keys()
    if (results.size > mostKept && oldest !== undefined) results.delete(oldest)
    result.catch(() => results.delete(key))
    return result
  }
}
