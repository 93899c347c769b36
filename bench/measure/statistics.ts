/** What is said of repeated measurements. */

/** The value that this share (0 to 1) of the numbers is at most; between two of them, interpolated. Throws without numbers. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (below === undefined || above === undefined) throw new Error('nothing was measured')
  return below + (above - below) * (at - Math.floor(at))
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5)

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
