/** Writes what is taken now, and resolves with the number of bytes: 0 while the reader is slow. */
export type Write = (bytes: Uint8Array) => Promise<number>

const shortestPauseMs = 2
const longestPauseMs = 100

/** Writes all bytes, with a pause whenever none is taken. Rejects as either of the two does. */
export async function writeAll(write: Write, bytes: Uint8Array, pause: (ms: number) => Promise<void>): Promise<void> {
  let rest = bytes
  let pauseMs = shortestPauseMs
  while (rest.length > 0) {
    const taken = await write(rest)
    rest = rest.subarray(taken)
    if (taken === 0) await pause(pauseMs)
    pauseMs = taken > 0 ? shortestPauseMs : Math.min(2 * pauseMs, longestPauseMs)
  }
}
