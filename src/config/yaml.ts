import {
  Lexer,
  LineCounter,
  Parser,
  isMap,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
} from 'yaml'

export type Path = readonly PropertyKey[]

/** A parsed file that knows at which line and column each path stands. */
export interface Source {
  readonly data: unknown
  readonly problems: readonly { readonly position: string; readonly text: string }[]
  /** `line:col` of the value at the path; of its nearest ancestor where there is none. */
  position(path: Path): string
  /** `line:col` of the key itself. */
  keyPosition(path: Path): string
}

/** Deeper nesting ends the process while it is composed: V8 runs out of stack, then of memory. */
const maxDepth = 50
const maxAliases = 1_000

/** Parses YAML 1.2. Never throws, and quotes nothing of the file: a line of it may hold a secret. */
export function parseYaml(text: string): Source {
  const lines = new LineCounter()
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
  const tooDeep = nestingFault(text, lines)
  if (tooDeep) return broken([tooDeep])
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true })
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0) return broken(errors.map(({ code, pos }) => ({ offset: pos[0], text: meanings[code] })))
  const { fault, first } = aliasFault(document)
  if (fault) return broken([fault])
  try {
    const data: unknown = document.toJS({ maxAliasCount: maxAliases })
    return {
      data,
      problems: [],
      position: path => at(offsetOf(document, path)),
      keyPosition: path => at(keyOffsetOf(document, path)),
    }
  } catch {
    return broken([{ offset: first, text: `aliases stand for more than ${maxAliases} copies; write them out` }])
  }
}

interface Fault {
  readonly offset: number
  readonly text: string
}

/** In our own words: those of the library quote the file. */
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

/** Where the nesting becomes too deep, found by the parser's first half, which does not recurse. Fills in the lines. */
function nestingFault(text: string, lines: LineCounter): Fault | undefined {
  lines.addNewLine(0)
  const parser = new Parser(lines.addNewLine)
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) continue
    if (parser.stack.length > maxDepth) return { offset: parser.offset, text: `nested deeper than ${maxDepth} levels` }
  }
  return undefined
}

/** An alias that stands for nothing, or for something around itself; and where the first alias is. */
function aliasFault(document: Document.Parsed): { readonly fault: Fault | undefined; readonly first: number } {
  const anchors = new Set<string>()
  let fault: Fault | undefined
  let first: number | undefined
  visit(document, {
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.add(node.anchor)
    },
    Alias: (_, { source, range }, path) => {
      const offset = range?.[0] ?? 0
      first ??= offset
      if (!anchors.has(source))
        fault = { offset, text: 'an alias without its anchor; put a value that begins with * in quotes' }
      else if (path.some(node => isNode(node) && node.anchor === source))
        fault = { offset, text: 'an alias inside of what it stands for' }
      return fault ? visit.BREAK : undefined
    },
  })
  return { fault, first: first ?? 0 }
}

function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function keyOffsetOf(document: Document.Parsed, path: Path): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const pair = isMap(parent)
    ? parent.items.find(item => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1))
    : undefined
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path)
}
