const most = 5

/** Several cases of one reason as its text: at most five, and how many more. */
export const cases = (texts: readonly string[]): string => {
  const distinct = [...new Set(texts)]
  const more = distinct.length - most
  return distinct.slice(0, most).join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** Texts that end in ` for QUESTION`, as those of answers that failed: what is the same before that is said once. */
export function questions(texts: readonly string[]): string {
  const parted = texts.map(text => {
    const at = text.lastIndexOf(' for ')
    return at < 0 ? { what: text, of: undefined } : { what: text.slice(0, at), of: text.slice(at + ' for '.length) }
  })
  const whats = [...new Set(parted.map(({ what }) => what))]
  return cases(
    whats.map(what => {
      const of = [...new Set(parted.flatMap(one => (one.what === what ? (one.of ?? []) : [])))]
      const more = of.length - most
      const named = of.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '')
      return named === '' ? what : `${what} for ${named}`
    }),
  )
}
