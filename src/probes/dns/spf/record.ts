import { cut } from '../../../core/shown.ts'
import { readDirective, type Directive } from './directive.ts'
import { readDomain, readMacros, type Macros } from './macro.ts'

/** A record of SPF as it is evaluated (RFC 7208, 12). */
export interface SpfRecord {
  readonly directives: readonly Directive[]
  readonly redirect: Redirect | undefined
  /** What is wrong with its syntax, one for each term: completes "app.example.com: …". Any makes it a permerror (4.6). */
  readonly problems: readonly string[]
}

interface Redirect {
  readonly text: string
  readonly domain: Macros
}

/** Whether a TXT record is one of SPF (4.5): the version, and a space or the end. */
export const isSpf = (text: string): boolean => /^v=spf1(?: |$)/i.test(text)

const modifier = /^([a-z][\w.-]*)=(.*)$/is

/** At most so many characters of a term are repeated. */
const longestQuote = 60
/** No real record has more. The limits are ours: a record can have 64 kB, and lead to 20 others. */
const mostTerms = 1_000
const longestTerm = 1_000
/** More problems than that say nothing more. */
const mostProblems = 20

/** Reads a TXT record that is one of SPF. */
export function readRecord(text: string): SpfRecord {
  const directives: Directive[] = []
  const redirects: Redirect[] = []
  const problems: string[] = []
  let explanations = 0
  const terms = text.split(' ').filter(term => term !== '')
  for (const term of terms.slice(1, 1 + mostTerms)) {
    if (problems.length >= mostProblems) break
    const problem = readTerm(term)
    if (problem !== undefined) problems.push(problem)
  }
  if (terms.length > 1 + mostTerms) problems.push(`has more than ${mostTerms} terms`)
  if (redirects.length > 1) problems.push('has `redirect=` more than once')
  if (explanations > 1) problems.push('has `exp=` more than once')
  return { directives, redirect: redirects[0], problems }

  function readTerm(term: string): string | undefined {
    const shownTerm = `\`${cut(term, longestQuote)}\``
    if (/[^!-~]/.test(term))
      return `${shownTerm} has a character that is not allowed (only ASCII, and a space between terms)`
    if (term.length > longestTerm) return `${shownTerm} is longer than ${longestTerm} characters`
    const [, name, value = ''] = modifier.exec(term) ?? []
    if (name === undefined) {
      const read = readDirective(term)
      if (typeof read === 'string') return `${shownTerm} ${read}`
      directives.push(read)
      return undefined
    }
    const known = name.toLowerCase()
    if (known !== 'redirect' && known !== 'exp')
      return readMacros(value) ? undefined : `${shownTerm} has a \`%\` that begins no macro`
    // The domain of an explanation may have no macro of an explanation either (7.2).
    const domain = readDomain(value)
    if (!domain) return `${shownTerm} names no domain`
    if (known === 'exp') explanations++
    else redirects.push({ text: term, domain })
    return undefined
  }
}
