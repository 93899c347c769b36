import { execFile } from 'node:child_process'

/** The most processes at one time. A further lookup does without one, so that none ever waits for another. */
const most = 32
let underWay = 0

/**
 * None of our own environment: RES_OPTIONS, LOCALDOMAIN and HOSTALIASES would change the result. The last folder is
 * that of NixOS.
 */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin' }

/**
 * Asks getaddrinfo(3) by getent(1), with all services of nsswitch.conf(5). It is a process of its own because in ours
 * the call could neither be ended nor run beside many others. An empty list if it finds nothing, for any reason;
 * undefined if it cannot be asked. Rejects with the signal's reason.
 */
export async function bySystem(
  getent: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  signal.throwIfAborted()
  if (underWay >= most) return undefined
  underWay++
  const options = { env, signal, killSignal: 'SIGKILL', maxBuffer: 262_144 } as const
  const said = await new Promise<{ readonly code: unknown; readonly text: string }>(resolve => {
    execFile(getent, ['ahosts', '--', name], options, (error, text) => resolve({ code: error?.code, text }))
  })
  underWay--
  signal.throwIfAborted()
  // "One or more supplied key could not be found in the database."
  if (said.code === 2) return []
  if (said.code !== undefined) return undefined
  return [...said.text.matchAll(/^(\S+)\s+STREAM\b/gm)].map(([, address = '']) => address)
}
