import type { Dns } from '../../../clients/dns/index.ts'
import { findRecord, type Found } from './find.ts'
import type { Macros } from './macro.ts'
import type { Qualifier } from './directive.ts'
import type { SpfRecord } from './record.ts'

/** All records that an evaluation may come to, by name. */
export interface Tree {
  readonly root: string
  readonly nodes: ReadonlyMap<string, Node>
  /** There are more: so many are an error anyway. */
  readonly isCut: boolean
}

export interface Node {
  readonly name: string
  readonly found: Found
  /** Its terms that ask DNS, in the order of evaluation: none behind `all`, and a redirect only without `all`. */
  readonly steps: readonly Step[]
}

export interface Step {
  readonly kind: 'include' | 'a' | 'mx' | 'ptr' | 'exists' | 'redirect'
  /** As it was written. */
  readonly text: string
  readonly qualifier: Qualifier
  /** Where it leads; undefined if that depends on who sends, and no sender is known. */
  readonly name: string | undefined
}

/** Where a domain-spec leads that is in the record of this domain; without one it is the domain itself. */
export type NameIn = (domain: string, macros: Macros | undefined) => Promise<string | undefined>

/** A record may take 10 look-ups (RFC 7208, 4.6.4), so one with so many others is not valid. */
const mostRecords = 20

/** Fetches the record of a domain and those that it includes or leads to: each once, the nearest first, no more than 20. */
export async function fetchTree(dns: Dns, root: string, nameIn: NameIn): Promise<Tree> {
  const nodes = new Map<string, Node>()
  let isCut = false
  let wanted = [root]
  while (wanted.length > 0) {
    const taken = wanted.slice(0, mostRecords - nodes.size)
    isCut ||= taken.length < wanted.length
    const fetched = await Promise.all(taken.map(name => fetchNode(dns, name, nameIn)))
    for (const node of fetched) nodes.set(node.name, node)
    const next = fetched.flatMap(({ steps }) => steps.filter(leadsOn).flatMap(({ name }) => name ?? []))
    wanted = [...new Set(next)].filter(name => !nodes.has(name) && taken.length > 0)
  }
  return { root, nodes, isCut }
}

/** Whether it leads to another record of SPF. */
export const leadsOn = ({ kind }: Step): boolean => kind === 'include' || kind === 'redirect'

async function fetchNode(dns: Dns, name: string, nameIn: NameIn): Promise<Node> {
  const found = await findRecord(dns, name)
  return { name, found, steps: found.kind === 'found' ? await stepsOf(name, found.record, nameIn) : [] }
}

/** More steps than that say nothing more. */
export const mostSteps = 100

async function stepsOf(domain: string, record: SpfRecord, nameIn: NameIn): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const { text, qualifier, mechanism } of record.directives) {
    if (mechanism.kind === 'all') return steps
    if ('network' in mechanism) continue
    if (steps.length >= mostSteps) return steps
    steps.push({ kind: mechanism.kind, text, qualifier, name: await nameIn(domain, mechanism.domain) })
  }
  const { redirect } = record
  if (redirect)
    steps.push({ kind: 'redirect', text: redirect.text, qualifier: '+', name: await nameIn(domain, redirect.domain) })
  return steps
}
