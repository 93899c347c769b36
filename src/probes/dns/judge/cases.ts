const most = 5

/** Several cases of one reason as its text: at most five, and how many more. */
export const cases = (texts: readonly string[]): string => {
  const distinct = [...new Set(texts)]
  const more = distinct.length - most
  return distinct.slice(0, most).join('; ') + (more > 0 ? `; and ${more} more` : '')
}
