import type { Dns, DnsAnswer, RecordOf, RecordType } from '../../../clients/dns/index.ts'
import type { Bytes } from '../../../core/address.ts'
import { dotted, reverseName, zoneOf } from '../hosts/reverse-name.ts'
import { bytesOf, isWithin } from './address.ts'
import { expand, nameOf, type MacroLetter, type Macros } from './macro.ts'

/** Terms that ask DNS, those of them that find nothing, names of one `mx` or `ptr`: at most so many (RFC 7208, 4.6.4). */
export const mostLookups = 10
export const mostVoidLookups = 2
export const mostNames = 10

/** Ends an evaluation: nothing that follows counts. */
export class Ended extends Error {
  readonly result: 'temperror' | 'permerror'

  constructor(result: 'temperror' | 'permerror', why: string) {
    super(why)
    this.result = result
  }
}

/** Who sends (RFC 7208, 4.1). */
export interface Sender {
  readonly ip: Bytes
  /** Of the address in the envelope. */
  readonly local: string
  readonly domain: string
  readonly helo: string
}

/** What counts over one evaluation, with all its includes. */
export interface Evaluation {
  readonly sender: Sender
  /** Counts a term that asks DNS. Throws Ended if there were too many. */
  count(term: string): void
  /** Answers to a term. No records count as nothing found, if `isCounted`. Throws Ended. */
  ask<Type extends RecordType>(name: string, type: Type, isCounted: boolean): Promise<readonly RecordOf[Type][]>
  /** The name that a domain-spec means in the record of this domain. */
  nameIn(domain: string, macros: Macros | undefined): Promise<string>
  /** Addresses of a name, of the kind of the sender's. */
  addressesOf(name: string, isCounted: boolean): Promise<readonly Bytes[]>
  /** Names of the sender's address that lead back to it (5.5). Never throws Ended for what is asked. */
  validatedNames(): Promise<readonly string[]>
}

export function openEvaluation(dns: Dns, sender: Sender): Evaluation {
  let lookups = 0
  let voids = 0
  const evaluation: Evaluation = { sender, count, ask, nameIn, addressesOf, validatedNames }
  return evaluation

  function count(term: string): void {
    if (++lookups > mostLookups) throw new Ended('permerror', `\`${term}\` is more than the ${mostLookups}th look-up`)
  }

  async function ask<Type extends RecordType>(name: string, type: Type, isCounted: boolean) {
    const answer: DnsAnswer<RecordOf[Type]> = await dns.ask(name, type)
    if (answer.kind === 'failed') throw new Ended('temperror', answer.text)
    if (answer.kind === 'found') return answer.records
    if (isCounted && ++voids > mostVoidLookups)
      throw new Ended('permerror', `${name} ${type} is more than the ${mostVoidLookups}nd look-up that finds nothing`)
    return []
  }

  async function nameIn(domain: string, macros: Macros | undefined): Promise<string> {
    return macros ? nameOf(await expand(macros, letter => valueOf(letter, domain))) : domain
  }

  async function valueOf(letter: MacroLetter, domain: string): Promise<string> {
    switch (letter) {
      case 's':
        return `${sender.local}@${sender.domain}`
      case 'l':
        return sender.local
      case 'o':
        return sender.domain
      case 'd':
        return domain
      case 'i':
        return dotted(sender.ip)
      case 'p':
        return preferred(await validatedNames(), domain)
      case 'v':
        return zoneOf(sender.ip)
      case 'h':
        return sender.helo
    }
  }

  async function addressesOf(name: string, isCounted: boolean): Promise<readonly Bytes[]> {
    const records = await ask(name, sender.ip.length === 4 ? 'A' : 'AAAA', isCounted)
    return records.map(bytesOf).filter(bytes => bytes !== undefined)
  }

  async function validatedNames(): Promise<readonly string[]> {
    const answer = await dns.ask(reverseName(sender.ip), 'PTR')
    if (answer.kind !== 'found') return []
    const names = answer.records.slice(0, mostNames).map(nameOf)
    const leads = await Promise.all(names.map(leadsBack))
    return names.filter((_, i) => leads[i])
  }

  async function leadsBack(name: string): Promise<boolean> {
    const answer = await dns.ask(name, sender.ip.length === 4 ? 'A' : 'AAAA')
    return answer.kind === 'found' && answer.records.some(record => isWithin(bytesOf(record) ?? [], sender.ip, 128))
  }
}

/** The domain itself, or a name below it, or any (7.3). */
const preferred = (names: readonly string[], domain: string): string =>
  names.find(name => name === domain) ?? names.find(name => name.endsWith(`.${domain}`)) ?? names[0] ?? 'unknown'
