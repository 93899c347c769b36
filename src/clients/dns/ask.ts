import { Resolver } from 'node:dns/promises'
import { codeOf } from '../../core/errors.ts'
import { wantOf, type Want } from '../../core/want.ts'
import { wantFor } from '../names/ask.ts'
import { dnsErrorText } from '../names/servers.ts'
import type { QueryCode, RecordOf, RecordType } from './records.ts'
import type { Server } from './server.ts'

/** What one server says; `words` complete "the server …". */
export type Reply<Data> =
  | { readonly kind: 'found'; readonly records: readonly Data[] }
  | { readonly kind: 'none'; readonly exists: boolean }
  | {
      readonly kind: 'failed'
      readonly code: QueryCode
      readonly words: string
      /** The exporter lacked something, so it could not ask. */
      readonly want?: Want | undefined
    }

type Readers = { readonly [Type in RecordType]: (resolver: Resolver, name: string) => Promise<RecordOf[Type][]> }

const clean = (name: string): string => name.toLowerCase().replace(/\.$/, '')
const cleaned = async (names: Promise<readonly string[]>): Promise<string[]> => (await names).map(clean)

const readers: Readers = {
  A: (resolver, name) => resolver.resolve4(name),
  AAAA: (resolver, name) => resolver.resolve6(name),
  CNAME: (resolver, name) => cleaned(resolver.resolveCname(name)),
  NS: (resolver, name) => cleaned(resolver.resolveNs(name)),
  PTR: (resolver, name) => cleaned(resolver.resolvePtr(name)),
  TXT: async (resolver, name) => (await resolver.resolveTxt(name)).map(strings => strings.join('')),
  async MX(resolver, name) {
    const found = await resolver.resolveMx(name)
    return found.map(({ priority, exchange }) => ({ preference: priority, exchange: clean(exchange) }))
  },
  async SOA(resolver, name) {
    const { nsname, serial } = await resolver.resolveSoa(name)
    return [{ primary: clean(nsname), serial }]
  },
}

/**
 * Asks one server, over UDP, and over TCP if the answer is too long for UDP. It takes no thread, and a socket of its own. The
 * name has to be `askable`. Rejects only with the signal's reason.
 */
export async function askOnce<Type extends RecordType>(
  server: Server,
  name: string,
  type: Type,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Reply<RecordOf[Type]>> {
  signal.throwIfAborted()
  // A packet that was lost says nothing of a record or of a server, so the question is sent once more in its time.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / 3), tries: 2 })
  const cancel = (): void => resolver.cancel()
  // By our own clock: c-ares begins to count again with TCP, and a server that sends without end would hold it.
  const patience = setTimeout(cancel, timeoutMs)
  signal.addEventListener('abort', cancel)
  try {
    resolver.setServers([server.label])
    const records = await readers[type](resolver, name)
    return records.length === 0 ? { kind: 'none', exists: true } : { kind: 'found', records }
  } catch (error) {
    signal.throwIfAborted()
    const code = codeOf(error) ?? 'no code'
    if (code === 'ENODATA') return { kind: 'none', exists: true }
    if (code === 'ENOTFOUND') return { kind: 'none', exists: false }
    if (code !== 'ECONNREFUSED') return failed(code)
    return { ...failed(code), want: wantOf(await wantFor(server.address, server.port)) }
  } finally {
    clearTimeout(patience)
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

const queryCodeOf: Readonly<Record<string, QueryCode>> = {
  ESERVFAIL: 'servfail',
  EREFUSED: 'refused',
  ETIMEOUT: 'timeout',
  ECANCELLED: 'timeout',
  ECONNREFUSED: 'unreachable',
}

const failed = (code: string): Reply<never> & { readonly kind: 'failed' } => ({
  kind: 'failed',
  code: queryCodeOf[code] ?? 'other',
  words: dnsErrorText(code),
})
