/** The text with what it is about in front, once: an address, or the name of a setting. */
export const withSubject = (subject: string, text: string): string =>
  text.startsWith(subject) ? text : `${subject}: ${text}`

/** The text without what it is about, where that comes from elsewhere. */
export const withoutSubject = (subject: string, text: string): string =>
  text.startsWith(`${subject}: `) ? text.slice(subject.length + 2) : text
