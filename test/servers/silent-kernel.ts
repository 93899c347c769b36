import type * as fs from 'node:fs'

const ofPressure = new Set<unknown>(['/proc/self/schedstat', '/proc/pressure/cpu'])

/**
 * node:fs on a machine whose kernel does not say how long processes waited for a CPU, as in a sandbox that hides these
 * files. There a time-out counts, however busy the machine is. For `vi.mock('node:fs', …)`.
 */
export function withoutPressure(real: typeof fs): typeof fs {
  const readFileSync = (path: unknown, ...more: never[]): unknown => {
    if (ofPressure.has(path)) throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })
    return Reflect.apply(real.readFileSync, real, [path, ...more])
  }
  return { ...real, readFileSync: readFileSync as typeof real.readFileSync }
}
