import { doubtInConnection } from '../../core/url-doubt.ts'

/**
 * Why a URL cannot be split with certainty: each driver would take another part of it for the password. Completes "the
 * URL …", without any part of the URL. Quotation marks and white space are refused, since some drivers cut them and
 * others do not.
 */
export function doubtOf(url: string): string | undefined {
  if (/^\s*["']/.test(url)) return 'begins with a quotation mark: take the quotation marks off'
  if (/[\p{Cc}\u2028\u2029]/u.test(url) || url.trim() !== url)
    return 'has a line break, a tab, a control character, or a space at one of its ends: take it out'
  return doubtInConnection(url)
}
