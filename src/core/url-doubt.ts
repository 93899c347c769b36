const encoded: Readonly<Record<string, string>> = { '/': '%2F', '?': '%3F', '#': '%23', '@': '%40', '\\': '%5C' }

const inPassword = (character: string): string =>
  `has a raw ${character} before an @: if that is part of the password, encode it as ${encoded[character] ?? ''}`

/**
 * Why it is not certain where the parts of a URL begin and end. Completes "the URL …", without any part of the URL;
 * undefined if it is certain, or if the text is no URL. Drivers split such a URL in different ways, and a part of the
 * password could be taken for the host, and shown.
 */
export function doubtIn(text: string): string | undefined {
  const [, scheme = '', rest] = /^\s*([a-z][a-z\d+.:-]*):\/\/([^]*)$/i.exec(text) ?? []
  if (rest === undefined) return undefined
  // `new URL` removes line breaks and tabs, and drivers do not.
  if (/[\r\n]/.test(rest.trim())) return 'holds a line break'
  if (/[\p{Cc}\u2028\u2029]/u.test(rest.trim())) return 'holds a control character'
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? ''
  if (authority.split('@').length > 2)
    return 'has more than one @ before the path: encode those of the user and the password as %40'
  if (authority.includes('\\') && takeItForSlash.test(scheme)) return inPassword('\\')
  const [path, query] = beforeAndAfter(rest.slice(authority.length).split('#')[0] ?? '', '?')
  const fragment = rest.includes('#') ? rest.slice(rest.indexOf('#')) : ''
  if (path.includes('@')) return inPassword(path.charAt(0))
  if (fragment.includes('@')) return inPassword('#')
  // After a path it is a query. Without one it may be the rest of a password, with the host at its end.
  const named = authority.includes('@') && path !== ''
  if (query?.split('&').some(parameter => parameter.includes('@') && !isParameter(parameter, named)))
    return inPassword('?')
  return undefined
}

/** Schemes whose readers take a backslash for a slash: `new URL`, and the parser of nodemailer. */
const takeItForSlash = /^(?:https?|smtps?(?:\+\w+)?|submissions?|direct)$/i

/**
 * The same for the URL of a database. It has no fragment: a # is as likely a part of the password, and some drivers end
 * the URL there.
 */
export const doubtInConnection = (url: string): string | undefined =>
  /:\/\/[^]*#/.test(url) ? 'has a raw # in it: if that is part of the password, encode it as %23' : doubtIn(url)

/** A parameter such as `user=app@tenant`, and not the end of a password with the host behind it. */
const isParameter = (text: string, named: boolean): boolean =>
  (named ? /^[a-z_][\w.-]*=[^/]*$/i : /^(user|password|host|hostaddr|options)=[^/]*$/i).test(text)

/** Percent signs that encode nothing stay. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function beforeAndAfter(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
