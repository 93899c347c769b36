/** Shorter strings are not blotted out: they would take half of the text with them. */
const shortestSecret = 4

/**
 * Blots known secrets out of text, also where they stand in it percent-encoded or in base64 (as in AUTH PLAIN).
 * The second line of defence: no code puts a secret into a text, but an error message of a server or a library might.
 */
export function redactor(): { add(secret: string): void; text(text: string): string } {
  const secrets = new Set<string>()
  return {
    add(secret) {
      const forms = [secret, secret.trim(), encodeURIComponent(secret), base64(secret)]
      for (const form of forms) if (form.length >= shortestSecret) secrets.add(form)
    },
    text(text) {
      let clean = text
      for (const secret of [...secrets].sort((a, b) => b.length - a.length))
        clean = clean.replaceAll(secret, '<secret>')
      return clean
    },
  }
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
