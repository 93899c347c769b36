import { openMailbox, type Mailbox, type MailboxPlan } from '../../../src/clients/imap/index.ts'
import { defineProbe, finding, type Look } from '../../../src/core/probe.ts'
import * as z from 'zod'
import { look, type LookOptions } from '../../probes/look.ts'

/** Opens a mailbox within a run of the daemon's own, and gives what `use` makes of it. The session is closed. */
export async function withMailbox<T>(
  plan: MailboxPlan,
  use: (mailbox: Mailbox, look: Look) => Promise<T>,
  options: LookOptions = {},
): Promise<T> {
  let result: Promise<T> | undefined
  const probe = defineProbe({
    kind: 'mailbox',
    summary: '',
    target: z.object({ name: z.string() }),
    metrics: {},
    reasons: {},
    async observe(_, look) {
      look.conceal(plan.secret)
      const open = async () => {
        const mailbox = await openMailbox(look, plan)
        try {
          return await use(mailbox, look)
        } finally {
          await mailbox.close()
        }
      }
      result = open()
      await result.catch(() => undefined)
      return {}
    },
    judge: () => finding('', [], []),
  })
  await look(probe, { name: 'x' }, options)
  if (!result) throw new Error('the run did not begin')
  return result
}
