/** A file system that never answers, as an NFS mount whose server is gone. */
import { spawn } from 'node:child_process'
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

/**
 * Mounts one at the folder until the test is over: by FUSE, with nothing that answers it. Undefined where that is not
 * allowed. Whatever is still in it then fails (ENOTCONN) and goes on.
 */
export async function dead(folder: string): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true })
  const device = await open('/dev/fuse', 'r+').catch(() => undefined)
  if (!device) return undefined
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
  const mount = spawn('mount', ['-i', '-t', 'fuse', '-o', options, 'none', folder], {
    stdio: ['ignore', 'ignore', 'ignore', device.fd],
  })
  const code = await new Promise(resolve => mount.on('error', resolve).on('exit', resolve))
  onTestFinished(async () => {
    await device.close()
    if (code === 0) await promisify(execFile)('umount', ['-l', folder])
  })
  return code === 0 ? folder : undefined
}
