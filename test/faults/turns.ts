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
export const areasAtOnce = 4
