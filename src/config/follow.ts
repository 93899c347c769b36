import type { ReadBytes } from '../clients/files.ts'
import { deadline } from '../core/deadline.ts'
import { fingerprint } from '../core/fingerprint.ts'
import { every } from '../monitor/scheduler.ts'
import type { Reload } from './reload.ts'

/** A file system that does not answer is no reason to wait for longer; in milliseconds. */
const longestReadMs = 10_000

/**
 * Reloads when the file has other content than before, looked at on an interval: what a file system tells of a change
 * is lost with the symlink swap of a mounted ConfigMap. Content that was refused is not tried again.
 */
export async function follow(
  file: string,
  intervalMs: number,
  stop: AbortSignal,
  read: ReadBytes,
  reload: Reload,
): Promise<void> {
  const look = async (): Promise<string | undefined> => {
    const limit = deadline(longestReadMs, stop)
    return contentOf(file, read, limit.signal).finally(() => limit.clear())
  }
  let before = await look()
  await every(intervalMs, intervalMs, stop, async () => {
    const now = await look()
    if (now === before || stop.aborted) return
    before = now
    await reload()
  })
}

/** A fingerprint of it, since it may hold secrets. Undefined where it cannot be read: that is a change too. */
const contentOf = (file: string, read: ReadBytes, signal: AbortSignal): Promise<string | undefined> =>
  read(file, signal).then(
    bytes => fingerprint(bytes.toString('latin1')),
    () => undefined,
  )
