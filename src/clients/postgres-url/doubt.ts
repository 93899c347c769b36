/**
 * Why a URL cannot be split without doubt: each driver would take another part of it for the password. It completes
 * "the URL …", and has nothing of the URL in it.
 */
export function doubtOf(url: string): string | undefined {
  if (/^\s*["']/.test(url)) return 'begins with a quotation mark: take the quotation marks off'
  if (/[\p{Cc}\u2028\u2029]/u.test(url) || url.trim() !== url)
    return 'has a line break, a tab, a control character, or a space at one of its ends: take it out'
  const start = url.indexOf('://')
  if (start < 0) return undefined
  const rest = url.slice(start + 3)
  if (rest.includes('#')) return 'has a # in it: write %23 for a # of the password'
  const [authority = ''] = rest.split(/[/?]/, 1)
  if (authority.split('@').length > 2) return 'has more than one @ before the path: write %40 for an @ of the password'
  const [path, query] = cut(rest.slice(authority.length), '?')
  if (path.includes('@')) return 'has a / before an @: write %2F for a / of the password'
  const lone = !authority.includes('@') && path === ''
  if (query.split('&').some(part => part.includes('@') && (lone || !/^[a-z_]+=[^/]*$/i.test(part))))
    return 'has a ? before an @: write %3F for a ? of the password, and %40 for an @ of a parameter'
  return undefined
}

/** Before and behind the first of these. */
function cut(text: string, at: string): readonly [string, string] {
  const found = text.indexOf(at)
  return found < 0 ? [text, ''] : [text.slice(0, found), text.slice(found + at.length)]
}
