import type { Dns } from '../../../clients/dns/index.ts'
import { mostNames, mostVoidLookups } from './evaluation.ts'
import type { Survey } from './survey.ts'

/** What the terms lead to that name hosts. */
interface HostsSeen {
  /** Terms that find nothing; undefined if some were not answered for. */
  readonly voids: number | undefined
  readonly errors: readonly string[]
}

/**
 * Looks where the first ten terms lead. A term counts as void if there is neither A nor AAAA, so that it is one for every
 * sender; what is one for some senders comes out when these are evaluated.
 */
export async function lookAtHosts(dns: Dns, root: string, first: Survey['first']): Promise<HostsSeen> {
  const seen = await Promise.all(
    first.map(async ({ record, step: { kind, text, name } }) => {
      if (name === undefined) return {}
      if (kind === 'mx') {
        const { isEmpty, count } = await countOf(dns, name, ['MX'])
        const error = `${record}: \`${text}\` leads to ${name}, which has ${count} MX records, and may have ${mostNames}`
        return { text, isEmpty, error: count > mostNames ? error : undefined }
      }
      if (kind === 'a' || kind === 'exists')
        return { text, isEmpty: (await countOf(dns, name, kind === 'a' ? ['A', 'AAAA'] : ['A'])).isEmpty }
      return {}
    }),
  )
  const voids = seen.filter(({ isEmpty }) => isEmpty)
  const terms = voids.map(({ text = '' }) => `\`${text}\``).join(', ')
  const tooMany = `${root}: ${terms} find nothing, and only ${mostVoidLookups} may`
  return {
    voids: seen.some(({ text, isEmpty }) => text !== undefined && isEmpty === undefined) ? undefined : voids.length,
    errors: [...seen.flatMap(({ error }) => error ?? []), ...(voids.length > mostVoidLookups ? [tooMany] : [])],
  }
}

type HostType = 'A' | 'AAAA' | 'MX'

/** `isEmpty` is undefined if that is not known. */
async function countOf(dns: Dns, name: string, types: readonly HostType[]) {
  const answers = await Promise.all(types.map(type => dns.ask(name, type)))
  const count = answers.reduce((sum, answer) => sum + (answer.kind === 'found' ? answer.records.length : 0), 0)
  return { count, isEmpty: count > 0 ? false : answers.some(({ kind }) => kind === 'failed') ? undefined : true }
}
