/** What one answer may cost. imapflow parses some 10,000 lines in 100 ms, and the exporter does nothing else meanwhile. */
export const maxAnswer = 4 * 1_048_576
/** What a line costs beyond its bytes. */
const perLine = 200

/**
 * Counts what a server of IMAP sends, for `limitReceived`: bytes, and more for each line that has to be parsed. Lines
 * within a literal cost nothing more: a mail of somebody else's may have as many as it likes.
 */
export function costOfAnswers(): (piece: Buffer) => number {
  let literal = 0
  let tail = ''
  return piece => {
    let cost = piece.length
    let at = 0
    while (at < piece.length) {
      if (literal > 0) {
        const taken = Math.min(literal, piece.length - at)
        literal -= taken
        at += taken
        continue
      }
      const end = piece.indexOf('\n', at)
      const until = end < 0 ? piece.length : end
      tail = (tail + piece.toString('latin1', Math.max(at, until - maxMark), until)).slice(-maxMark)
      if (end < 0) break
      literal = Number(/\{(\d+)\}\r?$/.exec(tail)?.[1] ?? 0)
      tail = ''
      cost += perLine
      at = end + 1
    }
    return cost
  }
}

/** Characters of the longest `{number}` that is heeded. */
const maxMark = 16
