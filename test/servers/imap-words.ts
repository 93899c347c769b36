/** Reads commands of IMAP (RFC 3501 §4 and §9) as far as test/servers/imap-sink.ts understands them. */

/** A word of a command, or a list in parentheses. What is in brackets belongs to its word: `BODY[HEADER.FIELDS (To)]`. */
export type Word = string | readonly Word[]

const maxCommand = 65_536

/** Finds whole commands in what comes. `onLiteral`: a literal is announced that the client sends only once it is asked to. */
export function commandReader(onLiteral: () => void, onCommand: (command: string) => void): (chunk: Buffer) => void {
  let text = ''
  /** Where the last literal ends. */
  let from = 0
  return chunk => {
    text += chunk.toString('latin1')
    for (;;) {
      if (text.length > maxCommand) throw new RangeError('a command is too long')
      const end = text.length < from ? -1 : text.indexOf('\r\n', from)
      if (end < 0) return
      const [, length, isUnasked] = /\{(\d{1,6})(\+?)\}$/.exec(text.slice(from, end)) ?? []
      if (length === undefined) {
        const command = text.slice(0, end)
        text = text.slice(end + 2)
        from = 0
        onCommand(command)
      } else {
        from = end + 2 + Number(length)
        if (isUnasked !== '+') onLiteral()
      }
    }
  }
}

/** The words of a command. Throws a SyntaxError. */
export function wordsIn(command: string): readonly Word[] {
  let at = 0
  const words = list()
  if (at < command.length) throw new SyntaxError('a parenthesis too many')
  return words

  function list(): Word[] {
    const found: Word[] = []
    for (;;) {
      while (command[at] === ' ') at++
      const next = command[at]
      if (next === undefined || next === ')') return found
      found.push(word(next))
    }
  }
  function word(first: string): Word {
    if (first === '(') {
      at++
      const inner = list()
      if (command[at] !== ')') throw new SyntaxError('a parenthesis is missing')
      at++
      return inner
    }
    if (first === '"') return take(/"((?:[^"\\\r\n]|\\["\\])*)"/y).replace(/\\(["\\])/g, '$1')
    if (first === '{') {
      const length = Number(take(/\{(\d{1,6})\+?\}\r\n/y))
      at += length
      return command.slice(at - length, at)
    }
    return take(/((?:\[[^\]\r\n]*\]|[^\s()"{[\]])+)/y)
  }
  function take(pattern: RegExp): string {
    pattern.lastIndex = at
    const [all, inner] = pattern.exec(command) ?? []
    if (all === undefined || inner === undefined) throw new SyntaxError(`what is ${command.slice(at, at + 20)}`)
    at += all.length
    return inner
  }
}

/** The numbers of a set such as `1:4,7,9:*`, as a test for one. `last`: what `*` stands for. */
export function inSet(set: string, last: number): (number: number) => boolean {
  if (!/^(\d+|\*)(:(\d+|\*))?(,(\d+|\*)(:(\d+|\*))?)*$/.test(set)) throw new SyntaxError('what set is this')
  const bound = (text: string): number => (text === '*' ? last : Number(text))
  const ranges = set.split(',').map(range => {
    const [from = '*', to = from] = range.split(':')
    return [bound(from), bound(to)].sort((a, b) => a - b) as [number, number]
  })
  return number => ranges.some(([from, to]) => number >= from && number <= to)
}
