import { unlessAborted } from '../../core/abort.ts'
import type { Look } from '../../core/probe.ts'
import { address, openSocket } from '../socket.ts'
import { explained } from './error.ts'
import type { Mailbox, MailboxPlan } from './mailbox.ts'
import { greet } from './open.ts'

export { MailboxError } from './error.ts'
export type { Folder, Mailbox, MailboxPlan, Message } from './mailbox.ts'

/**
 * Connects and logs in, in the phases `dns`, `connect`, `imap_connect` and `imap_login`. Throws MailboxError: `silent` if
 * the signal aborts first. The session ends with the signal of the run.
 */
export async function openMailbox(look: Look, plan: MailboxPlan, signal = look.signal): Promise<Mailbox> {
  const where = address(plan.host, plan.port)
  try {
    // Once a canary is configured, and not before: it takes memory.
    const { startSession } = await import('./session.ts')
    const opening = openSocket(look, plan.host, plan.port)
    // It may come too late.
    opening.then(
      socket => signal.aborted && socket.destroy(),
      () => undefined,
    )
    const socket = await unlessAborted(signal, opening)
    const end = (): void => void socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', end)
    try {
      const greeted = await look.phase('imap_connect', () => greet(look, socket, plan, signal))
      const login = () => startSession(look, greeted, plan, where)
      return await look.phase('imap_login', () => unlessAborted(signal, login()))
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', end)
    }
  } catch (error) {
    throw explained(error, where, signal)
  }
}
