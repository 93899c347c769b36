import { domainOf } from '../../core/mail-address.ts'
import type { AwsAnswer } from '../../clients/aws/answers.ts'
import type { IdentityFacts } from './answers.ts'
import type { SesIdentity } from './seen.ts'

/** What may be verified for a sender, in the order in which it is asked. */
export interface IdentityName {
  readonly name: string
  readonly of: SesIdentity['of']
}

/** Nearest ones are of no more use than those on top, and an address may have a hundred. */
const mostParents = 4

/** The address, its domain, and the domains above. A domain of one word cannot be verified. */
export function identitiesOf(address: string): readonly IdentityName[] {
  const domain = domainOf(address)
  return [
    { name: address, of: 'address' },
    { name: domain, of: 'domain' },
    ...parentsOf(domain)
      .slice(-mostParents)
      .map(name => ({ name, of: 'parent' }) as const),
  ]
}

function parentsOf(domain: string): readonly string[] {
  const labels = domain.split('.')
  return labels.slice(1, -1).map((_, i) => labels.slice(i + 1).join('.'))
}

type Answers = ReadonlyMap<string, AwsAnswer<IdentityFacts>>

/** The identity that is verified: the first one, in the order of the names. */
export const verifiedOf = <Name extends IdentityName>(names: readonly Name[], answers: Answers): Name | undefined =>
  names.find(({ name }) => {
    const answer = answers.get(name)
    return answer?.kind === 'ok' && answer.value.verified === true
  })

/** What the answers say together, and the name of the one that decided. */
interface Decision {
  readonly by: string
  readonly answer: AwsAnswer<SesIdentity>
}

/** Whether each domain above is among the names: of many only some are asked. */
function areAll(names: readonly IdentityName[]): boolean {
  const domain = names.find(({ of }) => of === 'domain')?.name ?? ''
  return parentsOf(domain).every(parent => names.some(({ name }) => name === parent))
}

/**
 * Whether the sender is verified: by the first identity that is. If none is, each has to be known: one that was not asked or
 * could not be read may be the one; else the first that there is decides. Undefined if that is not known yet.
 */
export function decide(names: readonly IdentityName[], answers: Answers): Decision | undefined {
  const verified = verifiedOf(names, answers)
  const said = names.flatMap(one => {
    const answer = answers.get(one.name)
    return answer === undefined ? [] : [{ ...one, answer }]
  })
  const [first] = said
  if (!first || (!verified && said.length < names.length)) return undefined
  const unread = said.find(({ answer }) => answer.kind !== 'ok' && answer.kind !== 'not_found')
  const present = said.find(({ answer }) => answer.kind === 'ok')
  const { name: by, of, answer } = said.find(({ name }) => name === verified?.name) ?? unread ?? present ?? first
  if (!verified && !unread && !areAll(names)) return { by, answer: { kind: 'error', text: notAll } }
  if (answer.kind === 'not_found') return { by, answer: { kind: 'not_found', text: noneOf(names) } }
  if (answer.kind !== 'ok') return { by, answer }
  const inherited = verified !== undefined && of !== 'address' && first.of === 'address' && first.answer.kind === 'ok'
  return {
    by,
    answer: { kind: 'ok', value: { ...answer.value, of, domain: of === 'address' ? undefined : by, inherited } },
  }
}

const notAll = `none of those that were asked is verified, and of the domains above only the last ${mostParents} are asked`

function noneOf(names: readonly IdentityName[]): string {
  const domains = names.filter(({ of }) => of !== 'address').map(({ name }) => name)
  return `no identity for the address of \`from\`, nor for ${domains.join(', ')}`
}
