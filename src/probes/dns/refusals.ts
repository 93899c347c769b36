import type { Reason } from './reasons.ts'

type Code = Reason['code']

/** What a receiver that refuses mail holds against its sender. */
export type Complaint = 'spf' | 'dkim' | 'dmarc' | 'ptr' | 'domain'

const status = /(?<![\d.])[45]\.(\d{1,3}\.\d{1,3})(?![\d.])/
/**
 * A login or TLS is asked for first (RFC 4954, 6): that is not about the sender. Not by 5.7.9 alone, which Yahoo has for mail
 * that is not authenticated.
 */
const aboutLogin = /^\s*53[0458]\b|(?:^|[\s;:])(?:504|53[0458])[ -][45]\.7\.|(?<![\d.])5\.7\.(?:8|11|57|139)(?![\d.])/
/** Gmail quotes the SPF or DKIM domain of who sends too much, which is not about its records. */
const aboutVolume = '7.28'
/** What passed, as Gmail and Microsoft add it to some refusals: `Dkim= Pass`, `SPF [example.com] with ip: [192.0.2.1] = pass`. */
const results = /\b(SPF|DKIM|DMARC)\b[^=;,]{0,100}=\s*pass\b/gi

const words: readonly (readonly [says: RegExp, about: readonly Complaint[]])[] = [
  [/\bSPF\b|Sender Policy Framework/i, ['spf']],
  [/\bDKIM\b/i, ['dkim']],
  [/\bDMARC\b|(?:n't|not) aligned with/i, ['dmarc']],
  [
    /\bPTR\b|\brDNS\b|FCrDNS|reverse[ -]?(?:DNS|host ?name|look-?up|name|mapping)|cannot find your (?:reverse )?host ?name/i,
    ['ptr'],
  ],
  [
    /\bunauthenticated (?:e-?mail|mail|messages?|senders?)|(?:it|e-?mail|mail|message|sender) is (?:unauthenticated|not authenticated)|\bauthentication (?:checks?|requirements?|level)\b/i,
    ['spf', 'dkim', 'dmarc'],
  ],
  // Yahoo, for mail that passes neither (https://help.yahoo.com/kb/SLN7253.html). Its other refusals for policy reasons are
  // about content.
  [/(?<![\d.])5\.7\.9:? Message not accepted for policy reasons/i, ['spf', 'dkim', 'dmarc']],
  // Gmail: https://support.google.com/mail/answer/81126
  [/IPv6 sending guidelines/i, ['ptr', 'spf', 'dkim']],
  [
    /unresolvable RFC\.?532[12] (?:from )?domain|Sender address rejected: Domain not found|sender domain .{0,80}does not (?:exist|resolve)/i,
    ['domain'],
  ],
]

/**
 * Words that name a method and complain of none: one that passed, and whose reputation is bad (Gmail: "unusual rate of unsolicited
 * mail originating from your SPF domain").
 */
const praise =
  /\b(?:SPF|DKIM|DMARC)\b\s{0,3}(?:\([^()]{0,80}\)|\[[^[\]]{0,80}\])?\s{0,3}(?:[=:]\s{0,3})?(?:pass(?:es|ed)?\b|OK\b|domain\s{0,3}\[)/gi

/**
 * By code alone: RFC 7372 and RFC 7505, and those of Gmail (https://support.google.com/a/answer/3726730) and Microsoft that
 * nobody else uses. Gmail says in words what it means by those that it shares.
 */
const codes: Readonly<Record<string, readonly Complaint[]>> = {
  '1.8': ['domain'],
  '7.20': ['dkim'],
  '7.21': ['dkim'],
  '7.22': ['dkim'],
  '7.23': ['spf'],
  '7.24': ['spf'],
  '7.25': ['ptr'],
  '7.26': ['spf', 'dkim', 'dmarc'],
  '7.27': ['domain'],
  '7.31': ['dmarc'],
  '7.32': ['dmarc'],
  '7.40': ['dmarc'],
  '7.509': ['dmarc'],
  '7.515': ['spf', 'dkim', 'dmarc'],
}

/**
 * What a refusal complains of, by its words, else by its code (RFC 3463); empty if it is about something else. `text` is the
 * answer of a server, or the diagnosis in a bounce.
 */
export function complaintsIn(text: string): readonly Complaint[] {
  if (aboutLogin.test(text)) return []
  const [, code = ''] = status.exec(text) ?? []
  const blamed = text.replace(praise, '')
  const said = words.flatMap(([says, about]) => (says.test(blamed) ? about : []))
  // Another code says what else it is about, such as a mailbox that is not there.
  const mayBeAboutSender =
    code !== aboutVolume && (code === '' || code.startsWith('7.') || code === '1.8' || code === '0.0')
  if (!mayBeAboutSender) return []
  const passed = new Set([...text.matchAll(results)].map(([, what = '']) => what.toLowerCase()))
  return [...new Set(said.length > 0 ? said : codes[code])].filter(one => !passed.has(one))
}

/** What of the sender each complaint may be about, the most likely first. */
const about: Readonly<Record<Complaint, readonly Code[]>> = {
  spf: ['dns_spf_invalid', 'dns_spf_missing', 'dns_spf_not_covering', 'dns_spf_permissive'],
  dkim: [
    'dns_dkim_missing',
    'dns_dkim_revoked',
    'dns_dkim_invalid',
    'dns_ses_token_missing',
    'dns_dkim_weak',
    'dns_dkim_testing',
  ],
  dmarc: ['dns_dmarc_not_aligned', 'dns_dmarc_invalid', 'dns_dmarc_missing'],
  ptr: ['dns_ptr_missing', 'dns_hello_invalid', 'dns_ptr_generic'],
  domain: ['dns_domain_missing', 'dns_mx_missing'],
}

/** Reasons that explain such complaints, the most likely first. DMARC fails where neither SPF nor DKIM passes and aligns. */
export function codesAbout(complaints: readonly Complaint[]): readonly Code[] {
  const has = (one: Complaint): boolean => complaints.includes(one)
  const isAuthentication = has('spf') || has('dkim') || has('dmarc')
  const all: readonly Complaint[] = has('dmarc') ? ['dmarc', 'spf', 'dkim', ...complaints] : complaints
  return [...new Set([...(isAuthentication ? unauthenticated : []), ...all.flatMap(one => about[one])])]
}

const unauthenticated: readonly Code[] = ['dns_unauthenticated']
