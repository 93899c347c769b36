/** A tag of a list such as `v=DKIM1; k=rsa` (RFC 6376, 3.2), without the white space around it. */
export interface Tag {
  readonly name: string
  /** Undefined: it has no `=`. */
  readonly value: string | undefined
}

/** The tags of a record, in their order. An empty one, as behind the last semicolon, is left out. */
export const tagsOf = (text: string): readonly Tag[] =>
  text.split(';').flatMap((piece): Tag[] => {
    const tag = withoutSpace(piece)
    if (tag === '') return []
    const equals = tag.indexOf('=')
    return equals < 0
      ? [{ name: tag, value: undefined }]
      : [{ name: withoutSpace(tag.slice(0, equals)), value: withoutSpace(tag.slice(equals + 1)) }]
  })

/** The name of a tag that is there more than once. */
export function repeatedIn(tags: readonly Tag[]): string | undefined {
  const before = new Set<string>()
  return tags.find(({ name }) => before.size === before.add(name).size)?.name
}

/** Spaces, tabs and line breaks at both ends are cut; other white space belongs to the value. */
export function withoutSpace(text: string): string {
  // A pattern for the end would take a time that grows with the square of the length.
  let [start, end] = [0, text.length]
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a
