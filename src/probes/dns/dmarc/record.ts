import { bounded } from '../../../clients/dns/index.ts'
import { repeatedIn, tagsOf, withoutSpace, type Tag } from '../dkim/tags.ts'

/** Policies, weakest first. */
export const policies = ['none', 'quarantine', 'reject'] as const
export type Policy = (typeof policies)[number]

export const isWeaker = (policy: Policy, expected: Policy): boolean =>
  policies.indexOf(policy) < policies.indexOf(expected)

export type Alignment = 'relaxed' | 'strict'

/** The tags of policies: for the domain itself, for those below it, and for those below it that do not exist. */
const policyTags = ['p', 'sp', 'np'] as const
export type PolicyTag = (typeof policyTags)[number]

/** A DMARC record, as receivers read it (RFC 9989, 4.7). */
export interface DmarcRecord {
  readonly policies: Readonly<Record<'p', Policy> & Record<Exclude<PolicyTag, 'p'>, Policy | undefined>>
  /** Why receivers do nothing for it (4.10.1). Completes "the record …". */
  readonly unused: string | undefined
  /** `psd`: y, it is a public suffix; n, it is an organizational domain. */
  readonly psd: 'y' | 'n' | 'u'
  readonly isTesting: boolean
  readonly alignment: { readonly spf: Alignment; readonly dkim: Alignment }
  /** Mail addresses for reports of all mail (`rua`), and of single mails (`ruf`). */
  readonly rua: readonly string[]
  readonly ruf: readonly string[]
  /** Errors, and what receivers make of them (4.8). Each completes "the record …". */
  readonly problems: readonly string[]
  /** Tags that RFC 9989 took away, as `pct=20`. */
  readonly outdated: readonly string[]
}

/** Whether it is one: `v=DMARC1` comes first, in just these letters. Any other TXT record is ignored. */
export const isDmarc = (text: string): boolean => /^[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text)

/** Of a record that looks as if it was meant to be one: why it is none. Completes "the record …". */
export function whyNoDmarc(text: string): string | undefined {
  if (isDmarc(text) || !/^[\s"'\\]{0,9}v[\s\\]{0,9}=[\s\\]{0,9}DMARC/i.test(text)) return undefined
  return `begins with \`${bounded(text.slice(0, 12))}\`, so that receivers ignore it: it has to begin with \`v=DMARC1;\``
}

/** Reads a record for which `isDmarc` holds. Never throws. Words may be in capital letters (RFC 5234, 2.3). */
export function dmarcRecord(text: string): DmarcRecord {
  const tags = tagsOf(text).map(({ name, value }) => ({ name: name.toLowerCase(), value }))
  const values = new Map(tags.map(({ name, value = '' }) => [name, value]))
  const word = (name: string) => values.get(name)?.toLowerCase()
  const policy = (tag: PolicyTag) => policies.find(one => one === word(tag))
  const wrong = policyTags.filter(tag => !policy(tag) && (tag === 'p' || values.has(tag)))
  const why = wrong.map(tag =>
    values.has(tag) ? `has \`${shownTag(tag, values)}\`, which is no policy` : 'has no `p`',
  )
  const [rua, ruf] = [urisOf(values.get('rua')), urisOf(values.get('ruf'))]
  const isUsed = wrong.length === 0 || rua.some(isUri)
  return {
    policies:
      wrong.length > 0
        ? { p: 'none', sp: undefined, np: undefined }
        : { p: policy('p') ?? 'none', sp: policy('sp'), np: policy('np') },
    unused: isUsed ? undefined : `${why.join(', and ')}, and no address in \`rua\`: receivers do nothing for it`,
    psd: (['y', 'n'] as const).find(one => one === word('psd')) ?? 'u',
    isTesting: word('t') === 'y',
    alignment: { spf: alignmentOf(word('aspf')), dkim: alignmentOf(word('adkim')) },
    rua: rua.flatMap(addressIn),
    ruf: ruf.flatMap(addressIn),
    problems: [
      ...(isUsed ? why.map(words => `${words}: receivers take \`none\``) : []),
      ...problemsOf(tags),
      ...otherWords.flatMap(([name, fits, what]) =>
        fits.test(word(name) ?? '') || !values.has(name)
          ? []
          : [`has \`${shownTag(name, values)}\`, and only ${what} count`],
      ),
      ...[...rua, ...ruf].filter(uri => !isUri(uri)).map(uri => `has \`${bounded(uri)}\` without \`mailto:\``),
    ],
    outdated: ['pct', 'rf', 'ri'].filter(name => values.has(name)).map(name => shownTag(name, values)),
  }
}

/** Receivers take the default in place of another word. */
const otherWords: readonly (readonly [name: string, fits: RegExp, what: string])[] = [
  ['adkim', /^[rs]$/, '`r` and `s`'],
  ['aspf', /^[rs]$/, '`r` and `s`'],
  ['t', /^[yn]$/, '`y` and `n`'],
  ['psd', /^[ynu]$/, '`y`, `n` and `u`'],
]

function problemsOf(tags: readonly Tag[]): string[] {
  const noTag = tags.find(({ value }) => value === undefined)
  const repeated = repeatedIn(tags)
  return [
    ...(noTag ? [`has a part that is not \`name=value\`: \`${bounded(noTag.name)}\``] : []),
    ...(repeated === undefined ? [] : [`has the tag \`${bounded(repeated)}\` twice`]),
  ]
}

const shownTag = (name: string, values: ReadonlyMap<string, string>) => bounded(`${name}=${values.get(name) ?? ''}`)

const alignmentOf = (word: string | undefined): Alignment => (word === 's' ? 'strict' : 'relaxed')

/** Without the size that could be behind each before (RFC 9989, 4.8: `obs-dmarc-report-size`). */
const urisOf = (list: string | undefined): readonly string[] =>
  (list ?? '').split(',').flatMap(item => withoutSpace(item).replace(/!\d+[kmgt]?$/i, '') || [])

const isUri = (text: string): boolean => /^[a-z][a-z\d+.-]*:\S/i.test(text)

const addressIn = (uri: string): string[] => /^mailto:([^@\s?]+@[\w.-]+)(?:\?|$)/i.exec(uri)?.slice(1) ?? []
