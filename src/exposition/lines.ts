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

/** So many samples are written at a time: a thousand checks must not keep those under way waiting, */
const atATime = 1_000
/** but where those take all there is, the scraper does not wait for its turn more often than this. */
const maxTurns = 20

/** The text of a group goes with the group. */
const kept = new WeakMap<Group, readonly Piece[]>()

/**
 * The lines of each metric, in the order of their labels; of a series that is there twice, the last. Making them is most
 * of the work for a scrape, and between two scrapes most groups are the same: so each group is written once.
 */
export async function linesByMetric(groups: readonly Group[], write: Write): Promise<ReadonlyMap<Metric, string>> {
  for (const batch of batchesOf(groups.filter(group => !kept.has(group)))) {
    await writeGroups(batch, write)
    await others()
  }
  const pieces = groupBy(
    groups.flatMap(group => kept.get(group) ?? []),
    ({ metric }) => metric,
  )
  return new Map([...pieces].map(([metric, those]) => [metric, joined(those.map(({ lines }) => lines))]))
}

function batchesOf(groups: readonly Group[]): Group[][] {
  const batches: Group[][] = []
  const size = Math.max(atATime, groups.reduce((sum, { length }) => sum + length, 0) / maxTurns)
  let room = 0
  for (const group of groups) {
    if (room < group.length) {
      batches.push([])
      room = size
    }
    batches.at(-1)?.push(group)
    room -= group.length
  }
  return batches
}

async function writeGroups(groups: readonly Group[], write: Write): Promise<void> {
  const byMetric = groupBy(groups.flat(), ({ metric }) => metric)
  const lines = await write(byMetric)
  const left = new Map([...byMetric.keys()].map((metric, i) => [metric, (lines[i] ?? []).values()]))
  for (const group of groups) {
    const pieces = [...groupBy(group, ({ metric }) => metric)].map(([metric, samples]) => {
      const next = left.get(metric)
      return { metric, lines: ordered(samples.flatMap(() => next?.next().value ?? [])) }
    })
    kept.set(group, pieces)
  }
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
