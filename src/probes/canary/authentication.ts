import { fieldIn, piecesOf, type Field, type Piece } from './fields.ts'
import { hopOf } from './received.ts'
import { authResults, type AuthResult, type HeaderFacts } from './seen.ts'
import { methods, type AuthMethod } from './target.ts'

/** One `Authentication-Results` header (RFC 8601). */
interface ResultsHeader {
  /** The host that wrote it, in lower case; Microsoft names none. */
  readonly by: string
  readonly results: readonly Result[]
}

interface Result {
  readonly method: string
  readonly result: string
  /** Such as `header.d`, in lower case. */
  readonly properties: ReadonlyMap<string, string>
}

/**
 * What the receiver found: the topmost header of `authservId`, or the topmost of all. Anybody may have written what is further
 * down. The same host may have written several headers, one below the other: they count until the next hop.
 */
export function authenticationIn(
  fields: readonly Field[],
  authservId: string | undefined,
): HeaderFacts['authentication'] {
  const wanted = authservId === undefined ? undefined : hostOf(authservId)
  const found: ResultsHeader[] = []
  for (const { name, value } of fields) {
    if (name === 'received' && found.length > 0 && hopOf(value).network) break
    if (name !== 'authentication-results') continue
    const judged = resultsHeaderIn(value)
    if (judged && judged.by === (found[0]?.by ?? wanted ?? judged.by)) found.push(judged)
  }
  const [first] = found
  if (!first) return undefined
  const sender = domainIn(fieldIn(fields, 'from') ?? '')
  const results: Partial<Record<AuthMethod, AuthResult>> = {}
  for (const method of methods) {
    const all = found.map(one => one.results.filter(result => result.method === method)).find(list => list.length > 0)
    const result = all && chosen[method](all, sender)
    if (result !== undefined) results[method] = result
  }
  return { by: first.by === '' ? 'the receiver' : first.by, results }
}

function resultsHeaderIn(value: string): ResultsHeader | undefined {
  const sections = sectionsOf(piecesOf(value))
  const [first = []] = sections
  const isNamed = !first.some(isEquals)
  const by = isNamed ? hostOf(first[0]?.text ?? '') : ''
  if (isNamed && by === '') return undefined
  return { by, results: sections.slice(isNamed ? 1 : 0).flatMap(resultIn) }
}

const hostOf = (text: string): string => text.toLowerCase().replace(/\.$/, '').slice(0, 255)

/** What stands between the semicolons, without comments. */
function sectionsOf(pieces: readonly Piece[]): Piece[][] {
  const sections: Piece[][] = [[]]
  for (const piece of pieces) {
    if (piece.kind === 'mark' && piece.text === ';') sections.push([])
    else if (piece.kind !== 'comment') sections.at(-1)?.push(piece)
  }
  return sections
}

const isEquals = ({ kind, text }: Piece): boolean => kind === 'mark' && text === '='

/** `dkim=pass header.d=example.com`, also with spaces, and with a version: `dkim/1 = pass`. */
function resultIn(section: readonly Piece[]): Result[] {
  const equals = section.findIndex(isEquals)
  const value = section[equals + 1]
  if (equals < 1 || !value || isEquals(value)) return []
  const [method = ''] = textOf(section.slice(0, equals)).split('/')
  const properties = new Map<string, string>()
  section.forEach((piece, at) => {
    const name = section[at - 1]
    const given = section[at + 1]
    if (at > equals && isEquals(piece) && name && given && !properties.has(name.text.toLowerCase()))
      properties.set(name.text.toLowerCase(), given.text)
  })
  return [{ method, result: value.text.toLowerCase(), properties }]
}

const textOf = (pieces: readonly Piece[]): string =>
  pieces
    .map(({ text }) => text)
    .join('')
    .toLowerCase()

/** Words that are not of the registry, and what they mean. */
const otherWords: Readonly<Record<string, AuthResult | undefined>> = {
  hardfail: 'fail',
  error: 'temperror',
  timeout: 'temperror',
  // Microsoft: there is no record, and with a usual one it would pass.
  bestguesspass: 'none',
}

const wordOf = ({ result }: Result): AuthResult | undefined =>
  authResults.find(one => one === result) ?? otherWords[result]

/** What counts where a method has several results. */
const chosen: Record<AuthMethod, (all: readonly Result[], sender: string) => AuthResult | undefined> = {
  // Some hosts also look at the name of HELO.
  spf: all => first(all.find(({ properties }) => !properties.has('smtp.helo')) ?? all[0]),
  // A mail may have several signatures. That of the domain in `From` is meant; one that passes is enough.
  dkim(all, sender) {
    const aligned = all.filter(result => isAligned(signerOf(result), sender))
    const those = aligned.length > 0 ? aligned : all
    return first(those.find(({ result }) => result === 'pass') ?? those[0])
  },
  dmarc: all => first(all[0]),
}

const first = (result: Result | undefined): AuthResult | undefined => result && wordOf(result)

/** Gmail names the identity (`header.i=@example.com`), others the domain. */
const signerOf = ({ properties }: Result): string =>
  hostOf(properties.get('header.d') ?? domainIn(properties.get('header.i') ?? ''))

/** The same domain, or one below the other. */
const isAligned = (a: string, b: string): boolean =>
  a !== '' && b !== '' && (a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`))

/** The domain of the last address in a text. */
const domainIn = (text: string): string =>
  text.includes('@') ? hostOf(/^[\w.-]*/.exec(text.slice(text.lastIndexOf('@') + 1))?.[0] ?? '') : ''
