import { createHash } from 'node:crypto'
import { readBeginning } from './clients/files.ts'
import { maxBytes } from './config/load.ts'
import { every } from './core/scheduler.ts'
import type { Reload } from './reload.ts'

/**
 * Reloads when the file has other content than before, looked at on an interval: what a file system tells of a change
 * is lost with the symlink swap of a mounted ConfigMap. Content that was refused is not tried again.
 */
export async function follow(file: string, intervalMs: number, stop: AbortSignal, reload: Reload): Promise<void> {
  let before = await fingerprint(file)
  await every(intervalMs, intervalMs, stop, async () => {
    const now = await fingerprint(file)
    if (now === before) return
    before = now
    await reload()
  })
}

/** Undefined where it cannot be read: that is a change too. */
const fingerprint = (file: string): Promise<string | undefined> =>
  readBeginning(file, maxBytes).then(
    bytes => createHash('sha256').update(bytes).digest('hex'),
    () => undefined,
  )
