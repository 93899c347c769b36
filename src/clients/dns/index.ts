import type { TakeNote } from '../../core/transcript.ts'
import type { Want } from '../../core/want.ts'
import { textOf, thisMachine, type Machine } from '../names/machine.ts'
import { readResolv } from '../names/resolv.ts'
import { answering } from './answering.ts'
import { askable } from './name.ts'
import { serverOf } from './server.ts'

/** What a record of each type holds. Names are in lower case, without a dot at the end. */
export interface RecordOf {
  readonly A: string
  readonly AAAA: string
  readonly CNAME: string
  readonly MX: { readonly preference: number; readonly exchange: string }
  readonly NS: string
  readonly PTR: string
  readonly SOA: { readonly primary: string; readonly serial: number }
  /** The strings of a record, joined without a space (RFC 7208, 3.3). A character for each byte. */
  readonly TXT: string
}
export type RecordType = keyof RecordOf

/** How a question ended, as the label `code`. */
export const queryCodes = [
  'noerror',
  'nodata',
  'nxdomain',
  'servfail',
  'refused',
  'timeout',
  'unreachable',
  'other',
] as const
export type QueryCode = (typeof queryCodes)[number]

/**
 * What is known of the records of a name. Only `none` is evidence of absence: NXDOMAIN (`exists: false`) or NODATA. `text` of a
 * failure is one line that names the server: `127.0.0.1:53 answers SERVFAIL for app.example.com TXT`.
 */
export type DnsAnswer<Data> =
  | { readonly kind: 'found'; readonly records: readonly Data[] }
  | { readonly kind: 'none'; readonly exists: boolean }
  | {
      readonly kind: 'failed'
      readonly code: QueryCode | 'too_many_queries'
      readonly text: string
      /** The exporter lacked something, so it could not ask: no server is to blame. */
      readonly want?: Want | undefined
    }

/** The questions of one run: bounded in number, and each asked once. */
export interface Dns {
  /** The servers that are asked, as `address:port`. */
  readonly servers: readonly string[]
  /**
   * Asks the servers, one after the other until one answers, each once. Aliases (CNAME) are followed. The name is data: one that
   * cannot be the name of a host, such as one with a space in it, is `none`. Rejects only with the signal's reason.
   */
  ask<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>>
  /** The same, of this server alone (`address` or `address:port`), and not out of the cache. */
  askAt<Type extends RecordType>(server: string, name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>>
  /** How the questions asked so far ended. */
  readonly counts: Readonly<Record<QueryCode, number>>
}

export interface DnsOptions {
  /** `address` or `address:port`. Default: the name servers of this machine (resolv.conf). */
  readonly servers?: readonly string[] | undefined
  readonly signal: AbortSignal
  readonly note: TakeNote
  /** The time of the run. The questions end before it does, so that what is known by then is not lost. Default: 20 s. */
  readonly timeoutMs?: number
  /** Where the default servers are read. */
  readonly machine?: Machine
}

/** At most so many questions of a run, and at a time. */
export const mostQueries = 80
export const mostAtOnce = 10

/** An alias of an alias, and so on, is followed this far. */
const mostAliases = 8

/** Begins the questions of one run. Each (name, type) is asked once, and what came of it is kept until the run is over. */
export function openDns({ servers, signal, note, timeoutMs = 20_000, machine = thisMachine }: DnsOptions): Dns {
  const listed =
    servers ?? readResolv(textOf(machine.resolvConf) ?? '', '').servers.map(one => `[${one}]:${machine.port}`)
  const asked = [...new Map(listed.flatMap(text => serverOf(text) ?? []).map(one => [one.label, one])).values()]
  const { answer, counts } = answering({ signal, note, timeoutMs, servers: asked.length })
  const kept = new Map<string, Promise<DnsAnswer<unknown>>>()
  /** Names of which a record was found, so that a server has followed their aliases. */
  const followed = new Set<string>()

  async function once<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>> {
    const key = `${type} ${name}`
    const asking = kept.get(key) ?? answer(asked, name, type)
    kept.set(key, asking)
    const found = (await asking) as DnsAnswer<RecordOf[Type]>
    if (found.kind === 'found') followed.add(name)
    return found
  }

  /** A server that is no resolver follows no alias out of its zones, and that looks like NODATA. */
  async function follow<Type extends RecordType>(
    name: string,
    type: Type,
    path: readonly string[] = [],
  ): Promise<DnsAnswer<RecordOf[Type]>> {
    const found = await once(name, type)
    if (found.kind !== 'none' || !found.exists || type === 'CNAME' || followed.has(name)) return found
    const alias = await once(name, 'CNAME')
    if (alias.kind === 'failed') return alias
    const [next] = alias.kind === 'found' ? alias.records : []
    const target = next === undefined ? undefined : askable(next)
    if (target === undefined) return found
    if (path.includes(target) || target === name || path.length >= mostAliases)
      return { kind: 'failed', code: 'other', text: `${path[0] ?? name} ${type} is an alias that leads in a circle` }
    return follow(target, type, [...path, name])
  }

  return {
    servers: asked.map(({ label }) => label),
    counts,
    async ask(name, type) {
      signal.throwIfAborted()
      const wanted = askable(name)
      return wanted === undefined ? { kind: 'none', exists: false } : follow(wanted, type)
    },
    async askAt(server, name, type) {
      signal.throwIfAborted()
      const [wanted, at] = [askable(name), serverOf(server)]
      if (wanted === undefined) return { kind: 'none', exists: false }
      return answer(at ? [at] : [], wanted, type)
    },
  }
}
