import { isReadable } from './shown.ts'
import { doubtIn, percentDecoded } from './url-doubt.ts'

/**
 * `tcp://10.96.0.12:587`:
 * https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
 */
const serviceVariable = /^(?:tcp|udp|sctp):\/\/[\w.:[\]-]+$/i

/** Whether it is in one pair of quotes, which a shell or a loader would have removed. */
export function isQuoted(text: string): boolean {
  const bare = text.trim()
  return bare.length > 1 && /^["'`]/.test(bare) && bare.endsWith(bare.charAt(0))
}

/** `user:password@host`, or similar. */
export function isBeforeHost(text: string): boolean {
  const colon = text.indexOf(':')
  return colon !== -1 && colon < text.indexOf('@')
}

/** Text that is no plain value, and may hold a secret; undefined for a plain value. */
export function somethingElse(text: string): string | undefined {
  const bare = text.trim()
  if (bare.includes('-----BEGIN ')) return 'it looks like a key or a certificate in PEM'
  if (isQuoted(bare)) return 'it is in quotes: `docker run --env-file` keeps them; take them out'
  if (serviceVariable.test(bare))
    return `it begins with ${bare.slice(0, 3).toLowerCase()}://: Kubernetes injects such a variable for a Service of that name; set \`enableServiceLinks: false\`, or read another variable`
  const template = placeholderIn(bare)
  if (template !== undefined) return `it holds ${template}: nothing was put in for that`
  if (bare.includes('://')) return 'it looks like a URL'
  const inBrackets = (bare.startsWith('{') && bare.endsWith('}')) || (bare.startsWith('[') && bare.endsWith(']'))
  if (inBrackets && /["{]/.test(bare)) return 'it looks like a JSON document'
  if (/^<(?:\?xml|!doctype|[a-z][^>]*>[^]*<\/)/i.test(bare)) return 'it looks like a document in XML or HTML'
  if (/^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(bare)) return 'it looks like a token'
  return undefined
}

/**
 * What a value looks like, as a sentence about "it" without any part of the value; undefined if nothing can be said.
 */
export function looksLike(text: string): string | undefined {
  const bare = text.trim()
  if (bare === '') return 'it is empty'
  if (bare.includes('\uFFFD')) return 'it holds bytes that are not UTF-8 text'
  const other = somethingElse(bare)
  if (other !== undefined) return other
  if (/[\r\n\u2028\u2029]/.test(bare)) return 'it holds a line break'
  if (/\p{Cc}/u.test(bare)) return 'it holds a control character'
  if (!isReadable(bare)) return 'it holds an invisible character'
  if (isBeforeHost(bare)) return 'it looks like user:password@host'
  if (bare.includes(',')) return 'it looks like a list'
  if (/^(?:[^:/@\s[\]]+|\[[^\]]*\]):\d+$/.test(bare)) return 'it looks like a host with a port'
  if (/[\r\n]/.test(text.replace(bare, ''))) return 'it begins or ends with a line break'
  if (text !== bare) return 'it has white space around it'
  if (/\s/.test(bare)) return 'it holds white space'
  return undefined
}

/**
 * A placeholder in a template that was not filled in, in a form that may be shown: `${DB_HOST}`, `$(DB_HOST)` of
 * Kubernetes, `{{ … }}`. The name is shown only if it is that of a variable, in capitals. Anything else may be part of
 * a secret.
 */
function placeholderIn(text: string): string | undefined {
  const [, name] = /\$\{([A-Z][A-Z0-9_]{0,99})(?=[}:+?-])/.exec(text) ?? []
  if (name !== undefined) return `\${${name}}`
  if (/\$\{[^}]/.test(text)) return '${…}'
  if (/\$\([A-Za-z_][\w.-]{0,99}\)/.test(text)) return '$(…)'
  return text.includes('{{') && text.includes('}}') ? '{{ … }}' : undefined
}

/** More parts cost time and add nothing. */
const maxParts = 64

/**
 * The secrets that a text may hold: the text itself, the password of a URL or of `user:password@host`, the strings of a
 * document, each line of several. What is in doubt counts as a secret.
 */
export function secretsIn(text: string): string[] {
  const parts = [text, ...passwordsIn(text)]
  const bare = text.trim()
  if (isQuoted(text)) parts.push(bare.slice(1, -1))
  if (/^[{[]/.test(bare)) parts.push(...stringsIn(bare))
  if (/[\r\n]/.test(bare)) parts.push(...bare.split(/[\r\n]+/, maxParts))
  return [...new Set(parts.slice(0, maxParts))]
}

/**
 * The strings in a JSON document that are values. From each quote the pattern matches up to the end of the text if need
 * be. A pattern that gave up there would start again at each quote, and take minutes for a long text.
 */
function stringsIn(document: string): string[] {
  const strings: string[] = []
  for (const [, value = '', end, cutOff] of document.matchAll(/"((?:[^"\\]|\\[^])*)(?:"(\s*[,}\]])?|\\?($))/g)) {
    if ((end ?? cutOff) !== undefined) strings.push(value)
    if (strings.length === maxParts) break
  }
  return strings
}

function passwordsIn(text: string): string[] {
  const [, after = text] = /^[^]*?:\/\/([^]*)$/.exec(text) ?? []
  const [, rest] = /^[^:/?#@]*:([^]*)$/.exec(after) ?? []
  const query = [...after.matchAll(/[?&](?:password|pass|pwd|sslpassword)=([^&#]*)/gi)].map(([, value = '']) => value)
  const inAuthority = rest?.split(/[/?#]/)[0] ?? ''
  const ends = rest?.includes('@') ? [rest.indexOf('@'), inAuthority.lastIndexOf('@'), rest.lastIndexOf('@')] : []
  const passwords = ends.flatMap(end => (rest === undefined || end < 1 ? [] : rest.slice(0, end)))
  // If it is not certain which part is the host, none of them is shown.
  const pieces = doubtIn(text) === undefined ? [] : (passwords.at(-1)?.split(/[@/?#\\]/) ?? [])
  return [...query, ...passwords, ...pieces].flatMap(part => [part, percentDecoded(part)])
}
