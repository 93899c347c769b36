import { LineCounter, isMap, isNode, isPair, isScalar, parseDocument, type Document } from 'yaml'

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

/** Parses YAML 1.2. Never throws, and quotes nothing of the file: a line of it may hold a secret. */
export function parseYaml(text: string): Source {
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  let document: Document.Parsed
  let data: unknown
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
    const problems = [...document.errors, ...document.warnings].map(error => ({
      position: at(error.pos[0]),
      text: `not valid YAML: ${withoutQuotes(error.message)}`,
    }))
    data = problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 })
    return {
      data,
      problems,
      position: path => at(offsetOf(document, path)),
      keyPosition: path => at(keyOffsetOf(document, path)),
    }
  } catch (error) {
    const text = error instanceof RangeError ? 'nested too deeply' : 'not valid YAML: too many or unresolved aliases'
    return { data: undefined, problems: [{ position: '1:1', text }], position: () => '1:1', keyPosition: () => '1:1' }
  }
}

const withoutQuotes = (message: string): string =>
  message.replace(/:? (?:"(?:[^"\\]|\\.)*"|'[^']*').*$/s, '').replace(/\s+/g, ' ')

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
