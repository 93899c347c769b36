/** A policy server of Postfix (https://www.postfix.org/SMTPD_POLICY_README.html): decides about each command of SMTP. */
import { createServer } from 'node:net'
import { listen } from './hostile.ts'

/** What Postfix tells of a command: `protocol_state`, `sender`, `recipient`, `queue_id` … */
export type Request = Readonly<Record<string, string>>

/** An action of access(5), such as `550 5.7.1 no` or `HOLD`; undefined: it is allowed. */
export type Policy = (request: Request) => string | undefined

export interface PolicyServer {
  readonly port: number
  /** From now on this decides. */
  decide: (policy: Policy) => void
  stop: () => Promise<void>
}

export async function startPolicyServer(): Promise<PolicyServer> {
  let policy: Policy = () => undefined
  const server = createServer(socket => {
    let pending = ''
    socket.on('data', chunk => {
      pending += chunk.toString()
      const requests = pending.split('\n\n')
      pending = requests.pop() ?? ''
      for (const request of requests) socket.write(`action=${policy(attributesOf(request)) ?? 'DUNNO'}\n\n`)
    })
  })
  const { port, close } = await listen(server)
  return {
    port,
    decide(next) {
      policy = next
    },
    stop: close,
  }
}

const attributesOf = (request: string): Request =>
  Object.fromEntries(
    request.split('\n').map(line => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
