import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { codeOf } from '../../core/errors.ts'
import { ofThisHost } from '../../core/want.ts'

/** What a name server says of a name: addresses, that there are none (of a name that exists or not), or nothing of use. */
export type Answer =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly missing?: 'A' | 'AAAA' }
  | { readonly kind: 'none'; readonly exists: boolean }
  /** `want`: it could not be asked, for want of something of this machine (EMFILE, ENETUNREACH, …). */
  | { readonly kind: 'failed'; readonly code: string; readonly want?: Error | undefined }

export interface Question {
  /** In ASCII, without a dot at its end. */
  readonly name: string
  readonly types: readonly ('A' | 'AAAA')[]
  /** One type after the other. */
  readonly single: boolean
  readonly timeoutMs: number
}

/**
 * Once there are addresses of one kind, the answer for the other kind is waited for so long. A good server gives both at
 * once; there are broken ones that never answer for AAAA, and the system puts up with them.
 */
const otherKindMs = 1_000

/** So many sockets may ask before a lookup asks one server instead of another, and no longer beside it. */
const roomFor = 256
let underWay = 0
/** Of the process: a zone that is dead for hundreds of checks must not take the descriptors of all others. */
export const hasRoom = (): boolean => underWay < roomFor

/**
 * Asks one server once, over UDP, and over TCP where the answer is too long for that. It takes no thread, one socket, and
 * ends with the signal. Rejects with the signal's reason, and with nothing else.
 */
export async function ask(server: string, port: number, question: Question, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted()
  const { name, types, single, timeoutMs } = question
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 })
  resolver.setServers([`${isIPv6(server) ? `[${server}]` : server}:${port}`])
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  underWay++
  let patience: ReturnType<typeof setTimeout> | undefined
  const askFor = async (type: 'A' | 'AAAA'): Promise<Answer> => {
    const answer = await answerOf(type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name))
    if (answer.kind === 'found') patience ??= setTimeout(cancel, otherKindMs)
    return answer
  }
  try {
    const answers: Answer[] = []
    if (single) for (const type of types) answers.push(await askFor(type))
    else answers.push(...(await Promise.all(types.map(askFor))))
    signal.throwIfAborted()
    const both = combined(types, answers)
    return both.kind === 'failed' && both.code === 'ECONNREFUSED'
      ? { ...both, want: await wantFor(server, port) }
      : both
  } finally {
    underWay--
    clearTimeout(patience)
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

async function answerOf(asking: Promise<readonly string[]>): Promise<Answer> {
  try {
    const addresses = await asking
    return addresses.length === 0 ? { kind: 'none', exists: true } : { kind: 'found', addresses }
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error'
    if (code === 'ENODATA') return { kind: 'none', exists: true }
    return code === 'ENOTFOUND' ? { kind: 'none', exists: false } : { kind: 'failed', code }
  }
}

/** Addresses of one kind will do, whatever became of the other. */
function combined(types: Question['types'], answers: readonly Answer[]): Answer {
  const addresses = answers.flatMap(answer => (answer.kind === 'found' ? answer.addresses : []))
  const failed = answers.findIndex(answer => answer.kind === 'failed')
  const missing = types[failed]
  if (addresses.length > 0) return { kind: 'found', addresses, ...(missing && { missing }) }
  return answers[failed] ?? { kind: 'none', exists: answers.some(answer => answer.kind === 'none' && answer.exists) }
}

/**
 * c-ares gives ECONNREFUSED for all that keeps it from asking. Here is the system's own error for a want of this machine
 * (no descriptor, no route), so that no name server is blamed for it; undefined where there is none.
 */
async function wantFor(server: string, port: number): Promise<Error | undefined> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4')
  const want = await new Promise<Error | undefined>(resolve => {
    socket.once('error', error => resolve(ofThisHost(error))).once('connect', () => resolve(undefined))
    socket.connect(port, server)
  })
  socket.close()
  return want
}
