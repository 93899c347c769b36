import { bounded } from '../../../clients/dns/index.ts'
import { cases } from './cases.ts'
import type { DkimSeen } from '../dkim/index.ts'
import { isUsable, leastBits, takesSha256, type DkimKey } from '../dkim/key.ts'
import { reason, type Reason } from '../reasons.ts'
import type { DnsSeen } from '../seen.ts'
import type { DnsTarget } from '../target.ts'

type Code = Reason['code']
/** Those that leave the mail without a signature that receivers could check. */
const unusable: readonly Code[] = [
  'dns_dkim_missing',
  'dns_dkim_revoked',
  'dns_dkim_invalid',
  'dns_dkim_weak',
  'dns_ses_token_missing',
]

/** What is wrong with the keys that the mail is signed with. Nothing follows from what was not answered. */
export function dkimReasons(
  { domain, dkim, isAwaitingSes }: Pick<DnsSeen, 'domain' | 'dkim' | 'isAwaitingSes'>,
  { bulk }: Pick<DnsTarget, 'bulk'>,
): Reason[] {
  if (dkim === undefined) return []
  // What SES signs with may be usable.
  const verdict = bulk && !isAwaitingSes && dkim.every(({ key }) => isUsable(key) === false) ? 'fail' : undefined
  if (dkim.length === 0)
    return verdict
      ? [
          reason(
            'dns_dkim_missing',
            `${domain}: nothing signs the mail: neither \`dkim\` nor \`ses\` names a key`,
            signing,
            verdict,
          ),
        ]
      : []
  const onlyEd25519 = dkim.every(({ key }) => key.kind === 'key' && key.algorithm === 'ed25519')
  const found = dkim.flatMap(one => wrongWith(one, onlyEd25519))
  return codes.flatMap(code => {
    const texts = found.filter(([is]) => is === code).map(([, text]) => text)
    return texts.length > 0
      ? [reason(code, cases(texts), undefined, unusable.includes(code) ? verdict : undefined)]
      : []
  })
}

const signing = 'Sign the mail with DKIM, publish the key, and name its selector in `dkim`.'

const codes = [
  'dns_ses_token_missing',
  'dns_dkim_missing',
  'dns_dkim_revoked',
  'dns_dkim_invalid',
  'dns_dkim_weak',
  'dns_dkim_testing',
] as const satisfies readonly Code[]

type Case = readonly [code: (typeof codes)[number], text: string]

function wrongWith({ name, ses, key }: DkimSeen, onlyEd25519: boolean): Case[] {
  const token = ses && wrongWithToken(name, ses)
  // Where the CNAME is wrong, there is no key of SES to be found.
  if (token && key.kind !== 'key') return [token]
  const behind =
    ses?.leadsTo === undefined || ses.leadsTo === 'unanswered' ? '' : `, which leads to ${bounded(ses.leadsTo.name)},`
  const own = wrongWithKey(name + behind, key, onlyEd25519)
  return token ? [token, ...own] : own
}

function wrongWithToken(name: string, { target, leadsTo }: DkimSeen['ses'] & object): Case | undefined {
  if (leadsTo === 'unanswered' || (leadsTo !== undefined && leadsTo.name === target)) return undefined
  const text =
    leadsTo === undefined
      ? `has no CNAME record, and needs one that leads to ${target}`
      : `leads to ${bounded(leadsTo.name)}, and has to lead to ${target}`
  return ['dns_ses_token_missing', `${name} ${text}`]
}

function wrongWithKey(name: string, key: DkimKey, onlyEd25519: boolean): Case[] {
  switch (key.kind) {
    case 'unanswered':
      return []
    case 'missing':
      return [['dns_dkim_missing', `${name} has no TXT record with a key`]]
    case 'revoked':
      return [['dns_dkim_revoked', `${name} has an empty \`p=\`: the key is revoked`]]
    case 'invalid':
      return [['dns_dkim_invalid', `${name}: the record ${key.problem}`]]
    case 'key':
      return [...weaknesses(name, key, onlyEd25519), ...doubts(name, key)]
  }
}

type Key = DkimKey & { readonly kind: 'key' }

function weaknesses(name: string, key: Key, onlyEd25519: boolean): Case[] {
  const { algorithm, bits } = key
  const texts = [
    ...(takesSha256(key)
      ? []
      : [`allows only ${(key.hashes ?? []).map(bounded).join(', ') || 'no hash'}, and signers use sha256`]),
    ...(algorithm === 'rsa' && bits < leastBits
      ? [`has a key of ${bits} bits, and receivers ignore one of fewer than ${leastBits}`]
      : []),
    ...(algorithm === 'rsa' && bits >= leastBits && bits < goodBits
      ? [`has a key of ${bits} bits, and ${goodBits} are usual`]
      : []),
    ...(algorithm === 'ed25519' && onlyEd25519
      ? ['has a key of ed25519, without one of RSA beside it: many receivers cannot check it']
      : []),
  ]
  return texts.map(text => ['dns_dkim_weak', `${name} ${text}`])
}

/** RFC 8301, 3.2: signers should use as many. */
const goodBits = 2048

function doubts(name: string, { isForMail, isTesting }: Key): Case[] {
  return [
    ...(isForMail ? [] : [['dns_dkim_invalid', `${name}: the record is not for mail (\`s=\`)`] as const]),
    ...(isTesting ? [['dns_dkim_testing', `${name} has \`t=y\``] as const] : []),
  ]
}
