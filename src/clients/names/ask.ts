import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { codeOf } from '../../core/errors.ts'
import { ofThisHost } from '../../core/want.ts'

/**
 * What a name server says of a name: addresses, that there are none (whether or not the name exists), or nothing
 * useful.
 */
export type Answer =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly missing?: 'A' | 'AAAA' }
  | { readonly kind: 'none'; readonly exists: boolean }
  /** `want`: it could not be asked because this machine lacks something (EMFILE, ENETUNREACH, …). */
  | { readonly kind: 'failed'; readonly code: string; readonly want?: Error | undefined }

interface Question {
  /** In ASCII, without a dot at its end. */
  readonly name: string
  readonly types: readonly ('A' | 'AAAA')[]
  /** Asks for one type after the other. */
  readonly single: boolean
  readonly timeoutMs: number
}

/**
 * Once one kind of addresses has come, it waits this long for the other, in milliseconds. A good server sends both at
 * once. Some broken ones never answer for AAAA, and the system copes with them.
 */
const otherKindMs = 1_000

/** With this many open sockets in the process, a lookup asks one server after the other, and no longer side by side. */
const roomFor = 256
let underWay = 0
/** Open sockets of the process. A dead zone with hundreds of checks must not use up all descriptors. */
export const hasRoom = (): boolean => underWay < roomFor

/**
 * Asks one server once, over UDP, and over TCP if the answer is too long for UDP. It takes no thread and one socket,
 * and ends with the signal. Rejects only with the signal's reason.
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

/** Addresses of one kind are enough, whatever happened to the other. */
function combined(types: Question['types'], answers: readonly Answer[]): Answer {
  const addresses = answers.flatMap(answer => (answer.kind === 'found' ? answer.addresses : []))
  const failed = answers.findIndex(answer => answer.kind === 'failed')
  const missing = types[failed]
  if (addresses.length > 0) return { kind: 'found', addresses, ...(missing && { missing }) }
  return answers[failed] ?? { kind: 'none', exists: answers.some(answer => answer.kind === 'none' && answer.exists) }
}

/**
 * c-ares says ECONNREFUSED for everything that keeps it from asking. This finds the system's own error if this machine
 * lacks something (a descriptor, a route), so that no name server is blamed; undefined if it lacks nothing.
 */
export async function wantFor(server: string, port: number): Promise<Error | undefined> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4')
  const want = await new Promise<Error | undefined>(resolve => {
    socket.once('error', error => resolve(ofThisHost(error))).once('connect', () => resolve(undefined))
    socket.connect(port, server)
  })
  socket.close()
  return want
}
