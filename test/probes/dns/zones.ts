import {
  queryCodes,
  type Dns,
  type DnsAnswer,
  type QueryCode,
  type RecordOf,
  type RecordType,
} from '../../../src/clients/dns/index.ts'

/** Records of a name, by type. `CNAME` leads elsewhere; `failing` answers SERVFAIL for these types. */
export type Zones = Readonly<
  Record<
    string,
    { readonly [Type in RecordType]?: readonly RecordOf[Type][] } & { readonly failing?: readonly RecordType[] | 'all' }
  >
>

/** Answers out of an object: for what is computed from records. `asked` has each question, with those that were asked again. */
export function dnsOf(zones: Zones): Dns & { readonly asked: readonly string[] } {
  const names = new Map(Object.entries(zones).map(([name, records]) => [name.toLowerCase(), records]))
  const counts = Object.fromEntries(queryCodes.map(code => [code, 0])) as Record<QueryCode, number>
  const asked: string[] = []
  return { servers: ['127.0.0.1:53'], counts, asked, ask, askAt: (_, name, type) => ask(name, type) }

  function ask<Type extends RecordType>(name: string, type: Type): Promise<DnsAnswer<RecordOf[Type]>> {
    asked.push(`${name} ${type}`)
    return Promise.resolve(answerOf(name, name, type, 8))
  }

  function answerOf<Type extends RecordType>(
    asked: string,
    name: string,
    type: Type,
    left: number,
  ): DnsAnswer<RecordOf[Type]> {
    const at = names.get(name.toLowerCase())
    if (!at) return { kind: 'none', exists: false }
    const records = at[type] as readonly RecordOf[Type][] | undefined
    if (at.failing === 'all' || at.failing?.includes(type) || left === 0)
      return { kind: 'failed', code: 'servfail', text: `127.0.0.1:53 answers SERVFAIL for ${asked} ${type}` }
    const [alias] = at.CNAME ?? []
    if (alias !== undefined && type !== 'CNAME') return answerOf(asked, alias, type, left - 1)
    return records && records.length > 0 ? { kind: 'found', records } : { kind: 'none', exists: true }
  }
}
