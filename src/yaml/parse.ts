import {
  Composer,
  Lexer,
  LineCounter,
  Parser,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Document,
  type ErrorCode,
  type Pair,
  type YAMLMap,
} from 'yaml'

export type Path = readonly PropertyKey[]

/** What is at a path of the data; undefined if nothing is. */
export const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (below, key) => (typeof below === 'object' && below !== null && key in below ? Reflect.get(below, key) : undefined),
    data,
  )

/** A parsed file that knows the line and column of each path. */
export interface Source {
  readonly data: unknown
  readonly problems: readonly { readonly position: string; readonly text: string }[]
  /** `line:col` of the value at the path, or of its nearest ancestor that exists. */
  position(path: Path): string
  /** `line:col` of the key itself. */
  keyPosition(path: Path): string
}

/** Deeper nesting would end the process: V8 runs out of stack, then of memory. */
const maxDepth = 50
/** The most a file may hold. A target has some fifty. All later work takes time and memory in proportion. */
export const maxLexemes = 400_000
/** Values that aliases bring in. Long texts count as several. */
const maxCopies = 100_000

/** Parses YAML 1.2 in time linear to the size. Never throws, and never quotes the file: a line may hold a secret. */
export function parseYaml(text: string): Source {
  const lines = new LineCounter()
  lines.addNewLine(0)
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const broken = (faults: readonly Fault[]): Source => ({
    data: undefined,
    problems: faults.map(({ offset, text }) => ({ position: at(offset), text: `not valid YAML: ${text}` })),
    position: () => '1:1',
    keyPosition: () => '1:1',
  })
  const composed = withoutStacks(() => compose(text, lines))
  if ('offset' in composed) return broken([composed])
  const { document, faults } = composed
  const { data, twice, aliases, proto } = dataOf(document)
  const inYaml = faults.length > 0 || twice.length > 0 ? [...faults, ...twice] : aliases
  if (inYaml.length > 0) return broken(inYaml)
  return {
    data,
    problems: proto.map(({ offset, text }) => ({ position: at(offset), text })),
    ...placesIn(document, at),
  }
}

interface Fault {
  readonly offset: number
  readonly text: string
}

/** Our own words: those of the library quote the file. */
const meanings: Record<ErrorCode, string> = {
  ALIAS_PROPS: 'misplaced anchor, alias or tag; put a value that begins with & * or ! in quotes',
  BAD_ALIAS: 'misplaced anchor, alias or tag; put a value that begins with & * or ! in quotes',
  BAD_COLLECTION_TYPE: 'an unknown tag; put a value that begins with ! in quotes',
  BAD_DIRECTIVE: 'a directive that is not understood; put a value that begins with % in quotes',
  BAD_DQ_ESCAPE: 'not an escape sequence; put the value in single quotes',
  BAD_INDENT: 'wrong indentation; what belongs together begins in the same column',
  BAD_PROP_ORDER: 'misplaced anchor, alias or tag; put a value that begins with & * or ! in quotes',
  BAD_SCALAR_START: 'a value cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second key or a list begins in this line; put a value that has ": " in it in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside of brackets',
  DUPLICATE_KEY: 'the same key stands here a second time; keep one of them',
  IMPOSSIBLE: 'it cannot be made out what is meant here',
  KEY_OVER_1024_CHARS: 'a key is too long',
  MISSING_CHAR: 'something is missing: a colon and a space behind a key, a comma, a closing quote or bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must stand in one line, with a colon and a space behind it',
  MULTIPLE_ANCHORS: 'misplaced anchor, alias or tag; put a value that begins with & * or ! in quotes',
  MULTIPLE_DOCS: 'a second document begins here; write one document, without ---',
  MULTIPLE_TAGS: 'misplaced anchor, alias or tag; put a value that begins with & * or ! in quotes',
  NON_STRING_KEY: 'a key must be text; put a value that begins with { or [ in quotes',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'indented with a tab; use spaces',
  TAG_RESOLVE_FAILED: 'an unknown tag; put a value that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'unexpected here; put the value in quotes, or look for a quote or bracket that is missing before',
}

/** A file can have an error in each of its characters, and most of the cost of an error is its stack. */
function withoutStacks<T>(work: () => T): T {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return work()
  } finally {
    Error.stackTraceLimit = before
  }
}

interface Composed {
  readonly document: Document.Parsed
  readonly faults: readonly Fault[]
}

/** The one document of a text. Adds errors of syntax and of size to `lines`. */
function compose(text: string, lines: LineCounter): Composed | Fault {
  const parser = new Parser(lines.addNewLine)
  // The library compares each key of a map with all before it.
  const composer = new Composer({ uniqueKeys: false, stringKeys: true })
  let document: Document.Parsed | undefined
  let second: Fault | undefined
  let documents = 0
  const take = (token: ReturnType<typeof parser.next> extends Iterable<infer T> ? T : never): void => {
    if (token.type === 'document' && ++documents > 1) second ??= { offset: token.offset, text: meanings.MULTIPLE_DOCS }
    else if (!second) for (const one of composer.next(token)) document ??= one
  }
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) take(token)
    if (second) break
    // The first half of the parser does not recurse, and finds it.
    if (parser.stack.length > maxDepth) return { offset: parser.offset, text: `nested deeper than ${maxDepth} levels` }
    if (++count > maxLexemes)
      return { offset: parser.offset, text: `more than ${maxLexemes} words and signs; write less into one file` }
  }
  if (!second) for (const token of parser.end()) take(token)
  for (const one of composer.end(true, text.length)) document ??= one
  if (!document) return second ?? { offset: 0, text: meanings.IMPOSSIBLE }
  const faults = [...document.errors, ...document.warnings].map(({ code, pos }) => ({
    offset: pos[0],
    text: meanings[code],
  }))
  return { document, faults: second ? [...faults, second] : faults }
}

/** What is found between a document and its data. */
interface Data {
  readonly data: unknown
  /** Keys that are in their map already. */
  readonly twice: readonly Fault[]
  readonly aliases: readonly Fault[]
  /** Keys of this name, which the data does not have. */
  readonly proto: readonly Fault[]
}

interface Made {
  readonly value: unknown
  /** How many values it is, with those of its aliases. */
  readonly size: number
}

function dataOf(document: Document.Parsed): Data {
  const [twice, aliases, proto]: readonly [Fault[], Fault[], Fault[]] = [[], [], []]
  /** The last anchor that began, by name; undefined while it has not ended. */
  const anchors = new Map<string, { made: Made | undefined }>()
  let copies = 0
  let firstAlias: number | undefined

  const ofAlias = (name: string, offset: number): Made => {
    const anchor = anchors.get(name)
    firstAlias ??= offset
    if (!anchor) aliases.push({ offset, text: 'an alias without its anchor; put a value that begins with * in quotes' })
    else if (!anchor.made) aliases.push({ offset, text: 'an alias inside of what it stands for' })
    copies += anchor?.made?.size ?? 1
    return anchor?.made ?? nothing
  }
  const ofMap = (map: YAMLMap): Made => {
    const value: Record<string, unknown> = {}
    let size = 1
    const known = new Set<string | undefined>()
    for (const pair of map.items) {
      const { key } = pair
      if (isNode(key)) made(key)
      // Any other is an error of its own.
      const name = isScalar(key) ? String(key.value) : undefined
      const offset = offsetIn(key) ?? offsetIn(map) ?? 0
      if (name !== undefined && known.has(name)) twice.push({ offset, text: meanings.DUPLICATE_KEY })
      known.add(name)
      const below = made(pair.value)
      size += below.size
      // Readers of the data would take it for the prototype, or skip it.
      if (name === '__proto__') proto.push({ offset, text: '__proto__ cannot be a name here; take another one' })
      else if (name !== undefined) value[name] = below.value
    }
    return { value, size }
  }
  const made = (node: unknown): Made => {
    if (isAlias(node)) return ofAlias(node.source, node.range?.[0] ?? 0)
    if (!isScalar(node) && !isCollection(node)) return nothing
    const anchor: { made: Made | undefined } = { made: undefined }
    if (node.anchor !== undefined) anchors.set(node.anchor, anchor)
    anchor.made = isMap(node) ? ofMap(node) : isSeq(node) ? listOf(node.items.map(made)) : scalar(node.value)
    return anchor.made
  }

  const { value } = made(document.contents)
  if (copies > maxCopies)
    aliases.push({
      offset: firstAlias ?? 0,
      text: `aliases stand for more than ${maxCopies} values; write them out`,
    })
  return { data: value, twice, aliases, proto }
}

const nothing: Made = { value: null, size: 1 }
const scalar = (value: unknown): Made => ({
  value,
  size: typeof value === 'string' ? 1 + Math.floor(value.length / 64) : 1,
})
const listOf = (items: readonly Made[]): Made => ({
  value: items.map(({ value }) => value),
  size: items.reduce((sum, { size }) => sum + size, 1),
})

const offsetIn = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

/** Positions of the values and keys of a document. A map is indexed once, when first asked for. */
function placesIn(document: Document.Parsed, at: (offset: number) => string): Pick<Source, 'position' | 'keyPosition'> {
  const known = new Map<YAMLMap, ReadonlyMap<unknown, Pair>>()
  const pairOf = (map: YAMLMap, key: PropertyKey): Pair | undefined => {
    const pairs =
      known.get(map) ?? new Map(map.items.map(pair => [isScalar(pair.key) ? pair.key.value : pair.key, pair]))
    known.set(map, pairs)
    return pairs.get(key)
  }
  const below = (node: unknown, key: PropertyKey): unknown => {
    if (isMap(node)) return pairOf(node, key)?.value
    return isSeq(node) && typeof key === 'number' ? node.items[key] : undefined
  }
  const nodeAt = (path: Path): unknown => path.reduce<unknown>(below, document.contents)
  const offsetOf = (path: Path): number => {
    let node: unknown = document.contents
    let offset = offsetIn(node) ?? 0
    for (const key of path) {
      node = below(node, key)
      offset = offsetIn(node) ?? offset
    }
    return offset
  }
  return {
    position: path => at(offsetOf(path)),
    keyPosition(path) {
      const [parent, key] = [nodeAt(path.slice(0, -1)), path.at(-1)]
      const pair = isMap(parent) && key !== undefined ? pairOf(parent, key) : undefined
      return at(offsetIn(pair?.key) ?? offsetOf(path))
    },
  }
}
