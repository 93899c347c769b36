/** A name, then a value in quotes, which may span lines, or one that ends at a `#` or the end of the line. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t])[ \t]*("(?:\\"|[^"])*"|'(?:\\'|[^'])*'|`(?:\\`|[^`])*`|[^#\n]*)[ \t]*(?:#.*)?$/gm

/**
 * The variables of a `.env` file, read as dotenv 16 does, since that is what the applications read theirs with; of a
 * name given twice the last, and nothing is expanded. `parseEnv` of node:util (20.20) would not do: it takes a byte
 * order mark, a leading tab or a second space after `export` into the name, and a line without `=` swallows the next.
 */
export function parseDotenv(text: string): Readonly<Record<string, string>> {
  const lines = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  return Object.fromEntries([...lines.matchAll(assignment)].map(([, name = '', value = '']) => [name, unquoted(value)]))
}

function unquoted(value: string): string {
  const [, quote, inner] = /^(["'`])(.*)\1$/s.exec(value.trim()) ?? []
  if (inner === undefined) return value.trim()
  return quote === '"' ? inner.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inner
}
