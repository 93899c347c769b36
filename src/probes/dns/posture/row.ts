/**
 * How a record is. `weak`: it does its work, and could do it better. `wrong`: it is there, and does not do its work.
 * `unused`: it is not there, and need not be. `not_judged`: the configuration does not say what should be there, or that it is to be looked at.
 */
export type PostureState = 'ok' | 'weak' | 'wrong' | 'missing' | 'unknown' | 'unused' | 'not_judged'

/** One record that receivers look at. Its texts hold what DNS said: escape them. */
export interface PostureRow extends Todo {
  /** What it is: `SPF`, `DKIM`, `PTR` … */
  readonly record: string
  /** Its name in DNS. */
  readonly name: string
  readonly state: PostureState
  /** What is there, or what is wrong with it: a few words each, with `code` in backticks. */
  readonly found: readonly string[]
}

interface Todo {
  /** A line for a zone file (RFC 1035, 5.1). Words in capitals have to be filled in. */
  readonly publish?: string | undefined
  /** One sentence, if the line does not say it all. */
  readonly advice?: string | undefined
}

/** Makes rows of a record: in this state, with what was found. */
export const rowsOf =
  (record: string, name: string) =>
  (state: PostureState, found: readonly string[] = [], { publish, advice }: Todo = {}): PostureRow => ({
    record,
    name,
    state,
    found,
    publish,
    advice,
  })
