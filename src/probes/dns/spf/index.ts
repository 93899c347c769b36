import type { Dns } from '../../../clients/dns/index.ts'
import { bytesOf } from './address.ts'
import { checkHost } from './check-host.ts'
import { openEvaluation, type Sender } from './evaluation.ts'
import { lookAtHosts } from './hosts.ts'
import type { SenderSeen, SpfSeen } from './seen.ts'
import { survey } from './survey.ts'
import { fetchTree, type NameIn } from './tree.ts'

interface SpfQuestion {
  /** Domain of the sender in the envelope: in lower case and in ASCII. */
  readonly envelope: string
  /** Addresses that the mail leaves from, with the words of the configuration for each. */
  readonly senders: readonly { readonly sender: string; readonly address: string }[]
  /** The name that they say hello with, for the macro `%{h}`. Default: the envelope domain. */
  readonly helo?: string | undefined
}

/** SPF of the envelope domain (RFC 7208): all that its record leads to, and whether it passes for each sender. */
export async function lookAtSpf(dns: Dns, { envelope, senders, helo = envelope }: SpfQuestion): Promise<SpfSeen> {
  // The local part is not known, and hardly a record asks for it.
  const from = (address: string): Sender => ({
    ip: bytesOf(address) ?? [],
    local: 'postmaster',
    domain: envelope,
    helo,
  })
  const tree = await fetchTree(dns, envelope, namesFor(dns, senders[0] && from(senders[0].address), from('0.0.0.0')))
  const root = tree.nodes.get(envelope)?.found
  const { lookups, errors, permissive, isOpen, deprecated, first } = survey(tree)
  const [hosts, checked] = await Promise.all([
    lookAtHosts(dns, envelope, first),
    Promise.all(
      senders.map(async (one): Promise<SenderSeen> => ({ ...one, ...(await checkHost(dns, from(one.address))) })),
    ),
  ])
  const known = [...errors, ...hosts.errors]
  return {
    record: root?.kind === 'several' ? 'found' : (root?.kind ?? 'unanswered'),
    text: root?.kind === 'found' ? root.text : undefined,
    lookalikes: root?.kind === 'missing' ? root.others : [],
    errors: known.length > 0 ? known : brokenFor(envelope, checked),
    permissive,
    isOpen,
    deprecated,
    lookups,
    voidLookups: lookups === undefined ? undefined : hosts.voids,
    senders: checked,
  }
}

/** Without a sender, only what the domain decides is known: the macros `d` and `o`. */
function namesFor(dns: Dns, sender: Sender | undefined, unknown: Sender): NameIn {
  const evaluation = openEvaluation(dns, sender ?? unknown)
  return async (domain, macros) => {
    const isKnown = sender || macros?.every(part => typeof part === 'string' || 'do'.includes(part.letter))
    return macros && !isKnown ? undefined : evaluation.nameIn(domain, macros)
  }
}

/** What the record leads to for some senders only. */
const brokenFor = (envelope: string, senders: readonly SenderSeen[]): string[] =>
  senders
    .filter(({ result }) => result === 'permerror')
    .map(({ address, why }) => `${envelope}: checked for ${address}, ${why}`)
