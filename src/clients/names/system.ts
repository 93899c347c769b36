import { execFile } from 'node:child_process'
import { codeOf } from '../../core/errors.ts'

/** Processes at one time. A lookup beyond does without, so that none ever waits for another. */
const most = 64
let underWay = 0

/**
 * What getaddrinfo(3) finds, asked for by getent(1): with all services of nsswitch.conf(5), in a process of its own, since
 * in ours it could neither be ended nor run beside many others. An empty list where it finds nothing, for whatever reason;
 * undefined where it cannot be asked. Rejects with the signal's reason.
 */
export async function bySystem(
  getent: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  signal.throwIfAborted()
  if (underWay >= most) return undefined
  underWay++
  try {
    const text = await new Promise<string>((resolve, reject) => {
      // Nothing of our environment: RES_OPTIONS, LOCALDOMAIN and HOSTALIASES would change what is found.
      const options = { env: { PATH: process.env['PATH'] }, signal, killSignal: 'SIGKILL', maxBuffer: 262_144 } as const
      execFile(getent, ['ahosts', '--', name], options, (error, stdout) => {
        if (error) reject(error)
        else resolve(stdout)
      })
    })
    return [...text.matchAll(/^(\S+)\s+STREAM\b/gm)].map(([, address = '']) => address)
  } catch (error) {
    signal.throwIfAborted()
    // "One or more supplied key could not be found in the database."
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 2) return []
    if (['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'].includes(codeOf(error) ?? '')) throw error
    return undefined
  } finally {
    underWay--
  }
}
