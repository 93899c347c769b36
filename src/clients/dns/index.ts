import type { TakeNote } from '../../core/transcript.ts'
import { textOf, thisMachine, type Machine } from '../names/machine.ts'
import { readResolv } from '../names/resolv.ts'
import { answering } from './answering.ts'
import { askable } from './name.ts'
import type { Dns, DnsAnswer, RecordOf, RecordType } from './records.ts'
import { serverOf } from './server.ts'

export { bounded } from './name.ts'
export { mostAtOnce, mostQueries, queryCodes } from './records.ts'
export type { Dns, DnsAnswer, QueryCode, RecordOf, RecordType } from './records.ts'

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

/** An alias of an alias, and so on, is followed this far. */
const mostAliases = 8

/** Begins the questions of one run. Each (name, type) is asked once, and what came of it is kept until the run is over. */
export function openDns({ servers, signal, note, timeoutMs = 20_000, machine = thisMachine }: DnsOptions): Dns {
  const listed =
    servers ?? readResolv(textOf(machine.resolvConf) ?? '', '').servers.map(one => `[${one}]:${machine.port}`)
  const asked = [...new Map(listed.flatMap(text => serverOf(text) ?? []).map(one => [one.label, one])).values()]
  const { answer, counts } = answering({ signal, note, timeoutMs, servers: asked })
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
      if (at === undefined) return { kind: 'failed', code: 'other', text: `${server} is not the address of a server` }
      return answer([at], wanted, type)
    },
  }
}
