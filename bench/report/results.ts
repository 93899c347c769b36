/** The figures as they are kept: a file for each experiment in bench/results, from which the page follows. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import type { Curve, Experiment, Line, Outcome } from '../experiment.ts'
import type { Environment } from './environment.ts'

/** A line with what was measured of it. */
export interface Figure extends Line {
  readonly ours: readonly number[]
  readonly theirs?: readonly number[]
}

export interface Result {
  readonly id: string
  readonly title: string
  readonly how: string
  /** Day of the measurement. */
  readonly on: string
  readonly environment: Environment
  /** Of the last minute when it began: what else the machine was busy with. */
  readonly loadAverage: number
  readonly figures: readonly Figure[]
  readonly notes: readonly string[]
  readonly curves: readonly Curve[]
}

type When = Pick<Result, 'on' | 'environment' | 'loadAverage'>

export function resultOf({ id, title, how, lines }: Experiment, outcome: Outcome, when: When): Result {
  const figures = Object.entries(lines).flatMap(([key, line]) => {
    const measured = outcome.lines[key]
    if (!measured) return []
    const [ours, theirs] = [measured.ours.map(rounded), measured.peer?.map(rounded)]
    return [{ ...line, ours, ...(theirs && { theirs }) }]
  })
  const curves = (outcome.curves ?? []).map(curve => ({
    ...curve,
    points: curve.points.map(({ targets, value }) => ({ targets, value: rounded(value) })),
  }))
  return { id, title, how, ...when, figures, notes: outcome.notes ?? [], curves }
}

/** To five digits: more is noise, and noise makes long differences. */
const rounded = (value: number): number => Number(value.toPrecision(5))

const fileOf = (id: string): URL => new URL(`../results/${id}.json`, import.meta.url)

export async function writeResult(result: Result): Promise<void> {
  await writeFile(fileOf(result.id), await format(JSON.stringify(result), { parser: 'json', printWidth: 120 }))
}

/** Those that have been measured, in the order of the experiments. */
export async function readResults(ids: readonly string[]): Promise<Result[]> {
  const files = ids.map(fileOf).filter(file => existsSync(file))
  return Promise.all(files.map(async file => JSON.parse(await readFile(file, 'utf8')) as Result))
}
