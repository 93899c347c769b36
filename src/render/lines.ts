import { setImmediate as others } from 'node:timers/promises'
import { groupBy } from '../core/group.ts'
import type { Metric, Sample } from '../core/metric.ts'

/** Samples that come and go together. It is never changed: what is another now is another array. */
export type Group = readonly Sample[]

/** Makes the lines of samples, those of each metric in a list of its own. */
type Write = (byMetric: ReadonlyMap<Metric, Group>) => Promise<readonly (readonly string[])[]>

/** The lines of a group that are of one metric, in order, each with its end. */
interface Piece {
  readonly metric: Metric
  readonly lines: string
}

/** So long it goes on at a time, in milliseconds: a thousand checks must not keep those under way waiting. */
const sliceMs = 5

/** The text of a group goes with the group. */
const kept = new WeakMap<Group, readonly Piece[]>()

/**
 * The lines of each metric, in the order of their labels; of a series that is there twice, the last. Making them is most
 * of the work for a scrape, and between two scrapes most groups are the same: so each group is written once.
 */
export async function linesByMetric(groups: readonly Group[], write: Write): Promise<ReadonlyMap<Metric, string>> {
  const pieces = new Map<Metric, string[]>()
  let since = performance.now()
  for (const group of groups) {
    const known = kept.get(group) ?? (await writeGroup(group, write))
    for (const { metric, lines } of known) {
      const those = pieces.get(metric)
      if (those) those.push(lines)
      else pieces.set(metric, [lines])
    }
    if (performance.now() - since > sliceMs) {
      await others()
      since = performance.now()
    }
  }
  return new Map([...pieces].map(([metric, those]) => [metric, joined(those)]))
}

async function writeGroup(group: Group, write: Write): Promise<readonly Piece[]> {
  const byMetric = groupBy(group, ({ metric }) => metric)
  const lines = await write(byMetric)
  const pieces = [...byMetric.keys()].map((metric, i) => ({ metric, lines: ordered(lines[i] ?? []) }))
  kept.set(group, pieces)
  return pieces
}

/** Pieces that do not overlap, as those of two checks, only have to be put in order. */
function joined(pieces: readonly string[]): string {
  const sorted = [...pieces].sort(byText)
  const apart = sorted.every((piece, i) => i === 0 || follows(piece, sorted[i - 1] ?? ''))
  return apart ? sorted.join('') : ordered(pieces.join('').split('\n').slice(0, -1))
}

/** In one text, with an end to each line. */
const ordered = (lines: readonly string[]): string =>
  [...[...new Map(lines.map(line => [seriesOf(line), line])).values()].sort(byText), ''].join('\n')

const follows = (piece: string, before: string): boolean => {
  const last = before.slice(before.lastIndexOf('\n', before.length - 2) + 1)
  return last < piece && !piece.startsWith(seriesOf(last))
}

/** A line without its value. */
const seriesOf = (line: string): string => line.slice(0, line.lastIndexOf(' ') + 1)

const byText = (a: string, b: string): number => (a < b ? -1 : 1)
