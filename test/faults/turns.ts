import type { Runnable } from './runner.ts'

/** At most `limit` at a time; the others wait for their turn. Gives the function that ends the turn. */
export function turns(limit: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let free = limit
  const end = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return async () => {
    if (free > 0) free--
    else await new Promise<void>(resolve => waiting.push(resolve))
    return end
  }
}

/** So many areas are proven at the same time: most of the time is spent waiting. */
export const areasAtOnce = 6

/** In the order in which they are begun, so that no long one is left over for the end. */
export const longestFirst = <A extends Pick<Runnable, 'faults' | 'intervalMs'>>(areas: readonly A[]): A[] =>
  [...areas].sort((a, b) => lengthOf(b) - lengthOf(a))

const lengthOf = ({ faults, intervalMs }: Pick<Runnable, 'faults' | 'intervalMs'>): number =>
  faults.filter(({ skip }) => skip === undefined).length * intervalMs
