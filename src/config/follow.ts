import { isDeepStrictEqual } from 'node:util'
import type { ReadBytes } from '../clients/files.ts'
import { deadline } from '../core/deadline.ts'
import { fingerprint } from '../core/fingerprint.ts'
import { every } from '../monitor/scheduler.ts'

/** How long to wait for a file system that does not answer, in milliseconds. */
const longestReadMs = 10_000

/**
 * Looks on an interval, and calls `changed` each time the result differs from the last one. It polls, because a file
 * system does not report the symlink swap of a mounted ConfigMap. Neither `look` nor `changed` may reject.
 */
export async function follow<Found>(
  look: () => Promise<Found>,
  first: Found,
  intervalMs: number,
  stop: AbortSignal,
  changed: (found: Found) => unknown,
): Promise<void> {
  let before = first
  await every(intervalMs, intervalMs, stop, async () => {
    const now = await look()
    if (stop.aborted || isDeepStrictEqual(now, before)) return
    before = now
    await changed(now)
  })
}

/** Follows the content of a file. Being unreadable is a change too. */
export async function followFile(
  file: string,
  intervalMs: number,
  stop: AbortSignal,
  read: ReadBytes,
  changed: () => unknown,
): Promise<void> {
  const look = async (): Promise<string | undefined> => {
    const limit = deadline(longestReadMs, stop)
    const bytes = await read(file, limit.signal).catch(() => undefined)
    limit.clear()
    return bytes && fingerprint(bytes.toString('latin1'))
  }
  await follow(look, await look(), intervalMs, stop, changed)
}
