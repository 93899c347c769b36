import type { Dns } from '../../../clients/dns/index.ts'
import type { Bytes } from '../../../core/address.ts'
import { isWithin } from './address.ts'
import { Ended, mostNames, openEvaluation, type Evaluation, type Sender } from './evaluation.ts'
import { findRecord } from './find.ts'
import type { Directive, Mechanism, Qualifier } from './directive.ts'
import type { SpfResult } from './seen.ts'

export interface Checked {
  readonly result: SpfResult
  /** The term that decided and where it is, or the error. */
  readonly why: string
  /** It passes by `all` only. */
  readonly isByAll?: boolean
}

const results: Readonly<Record<Qualifier, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }

/** `check_host()` of RFC 7208, 4: whether the domain of the sender lets mail leave from its address. Rejects only with the signal's reason. */
export async function checkHost(dns: Dns, sender: Sender): Promise<Checked> {
  try {
    return await check(dns, openEvaluation(dns, sender), sender.domain)
  } catch (error) {
    if (error instanceof Ended) return { result: error.result, why: error.message }
    throw error
  }
}

async function check(dns: Dns, evaluation: Evaluation, domain: string): Promise<Checked> {
  const found = await findRecord(dns, domain)
  if (found.kind === 'unanswered') throw new Ended('temperror', found.text)
  if (found.kind === 'missing') return { result: 'none', why: `${domain} has no SPF record` }
  if (found.kind === 'several') throw new Ended('permerror', `${domain} has ${found.count} SPF records`)
  const { directives, redirect, problems } = found.record
  if (problems[0] !== undefined) throw new Ended('permerror', `${domain}: ${problems[0]}`)
  for (const directive of directives)
    if (await matches(dns, evaluation, domain, directive))
      return {
        result: results[directive.qualifier],
        why: `\`${directive.text}\` in ${domain}`,
        ...(directive.mechanism.kind === 'all' && directive.qualifier === '+' ? { isByAll: true } : {}),
      }
  if (!redirect) return { result: 'neutral', why: `no term of ${domain} fits` }
  evaluation.count(redirect.text)
  return existing(await check(dns, evaluation, await evaluation.nameIn(domain, redirect.domain)))
}

/** What an include or a redirect leads to has to be there (5.2, 6.1). */
function existing(checked: Checked): Checked {
  if (checked.result === 'none') throw new Ended('permerror', checked.why)
  return checked
}

async function matches(dns: Dns, evaluation: Evaluation, domain: string, { mechanism, text }: Directive) {
  const { sender } = evaluation
  if (mechanism.kind === 'all') return true
  if ('network' in mechanism) return isWithin(sender.ip, mechanism.network, mechanism.bits)
  evaluation.count(text)
  const name = await evaluation.nameIn(domain, mechanism.domain)
  switch (mechanism.kind) {
    case 'include':
      return existing(await check(dns, evaluation, name)).result === 'pass'
    case 'a':
      return (await evaluation.addressesOf(name, true)).some(address => isNear(address, mechanism, sender.ip))
    case 'mx':
      return await matchesMx(evaluation, mechanism, name)
    case 'ptr':
      return (await evaluation.validatedNames()).some(own => own === name || own.endsWith(`.${name}`))
    case 'exists':
      return (await evaluation.ask(name, 'A', true)).length > 0
  }
}

async function matchesMx(evaluation: Evaluation, mechanism: Hosts, name: string): Promise<boolean> {
  const servers = await evaluation.ask(name, 'MX', true)
  if (servers.length > mostNames) throw new Ended('permerror', `${name} has ${servers.length} MX records`)
  for (const { exchange } of servers) {
    const addresses = exchange === '' ? [] : await evaluation.addressesOf(exchange, false)
    if (addresses.some(address => isNear(address, mechanism, evaluation.sender.ip))) return true
  }
  return false
}

type Hosts = Extract<Mechanism, { readonly kind: 'a' | 'mx' }>

const isNear = (address: Bytes, { bits4, bits6 }: Hosts, ip: Bytes): boolean =>
  isWithin(ip, address, ip.length === 4 ? bits4 : bits6)
