/** Shorter strings are not blotted out: they would take half of the text with them. */
const shortestSecret = 4
/** What stands where a text was cut off, see `oneLine`. */
export const ellipsis = '…'

/**
 * Blots known secrets out of text, also where they stand in it percent-encoded or in base64 (as in AUTH PLAIN).
 * The second line of defence: no code puts a secret into a text, but an error message of a server or a library might.
 */
export function redactor(): {
  readonly add: (secret: string) => void
  readonly text: (text: string) => string
} {
  const secrets = new Set<string>()
  /** Longest first; undefined once there is another. */
  let sorted: readonly string[] | undefined
  return {
    add(secret) {
      const bytes = Buffer.from(secret, 'utf8')
      // By way of the bytes, because encodeURIComponent() throws at half a surrogate pair.
      const percent = encodeURIComponent(bytes.toString('utf8'))
      const forms = [
        secret,
        secret.trim(),
        ...inLine(secret),
        percent,
        bytes.toString('base64'),
        ...insideBase64(bytes),
      ]
      for (const form of forms) if (form.length >= shortestSecret) secrets.add(form)
      sorted = undefined
    },
    text(text) {
      sorted ??= [...secrets].sort((a, b) => b.length - a.length)
      let clean = text
      for (const secret of sorted) clean = clean.replaceAll(secret, '<secret>')
      const [last = '', ...cut] = clean.split(ellipsis).reverse()
      return [...cut.map(part => withoutCutSecret(part, secrets)).reverse(), last].join(ellipsis)
    },
  }
}

/** As it stands in JSON, and where line breaks were taken out of a message. */
const inLine = (secret: string): string[] => [
  JSON.stringify(secret).slice(1, -1),
  secret.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim(),
]

/**
 * How bytes stand within longer base64: in three ways, by where they begin in a group of three bytes. Without the
 * characters at the edges, which depend on the neighbours too.
 */
const insideBase64 = (bytes: Buffer): string[] =>
  [0, 1, 2].map(before =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  )

/** A text that was shortened may end, where it was cut, in the first half of a secret. */
function withoutCutSecret(text: string, secrets: ReadonlySet<string>): string {
  for (const secret of secrets)
    for (let length = Math.min(secret.length - 1, text.length); length >= shortestSecret; length--)
      if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}<secret>`
  return text
}
