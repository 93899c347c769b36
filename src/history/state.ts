import * as z from 'zod'
import { verdicts } from '../core/probe.ts'
import { cut, json, type Shown } from '../core/shown.ts'
import type { Definitions } from './definitions.ts'
import { gapsKept, setBack } from './gaps.ts'
import { incidentsKept } from './incidents.ts'
import { movePast, type Past } from './remember.ts'
import { dayMs } from './uptime.ts'

/** Raised with each change that an older exporter would not understand. */
const version = 2
/** Longest file that is written and read. */
export const maxStateBytes = 16 * 1_048_576

/** The first year of four digits. Before 1970 is what a file tells on a machine that began without a clock. */
const earliest = Date.parse('0000-01-01T00:00:00Z')
const time = z.number().min(earliest).max(Date.parse('9999-12-31T23:59:59Z'))
const name = z.string().max(1_000)
/** A kind, or a code. */
const word = z.string().regex(/^\w{1,100}$/)
const number = z.int().min(0).max(1e12)
const length = z.number().min(0).max(1e15)
const blocked = { probe: word, target: name, code: word, text: z.string().max(1_000) }
const since = { at: time, exact: z.boolean() }
const held = z.record(name, z.strictObject({ verdict: z.enum(verdicts), ...since }))
const span = z
  .strictObject({ from: time, to: time, up: length, down: length })
  .refine(({ from, to, up, down }) => to > from && up + down <= to - from + 1)
const isRemoved = z.boolean().optional()
const stretch = { from: time, to: time.optional(), isRemoved }
const inOrder = ({ from, to = from }: { readonly from: number; readonly to?: number | undefined }): boolean =>
  from <= to
// What version 1 did not have, has a default.
const incident = z
  .strictObject({
    number: number.min(1),
    startedAt: time,
    startExact: z.boolean(),
    endedAt: time.optional(),
    endExact: z.boolean(),
    interruptions: number,
    unseenMs: length,
    paths: z.array(z.strictObject({ name, ...stretch, root: name.optional() }).refine(inOrder)).min(1),
    roots: z.array(z.strictObject({ ...blocked, at: time, paths: z.array(name) })),
    causes: z.array(z.strictObject({ ...blocked, ...stretch, paths: z.array(number).default([]) }).refine(inOrder)),
    isCut: z.boolean(),
    rootsLeftOut: number.default(0),
    causesLeftOut: number.default(0),
  })
  .refine(({ startedAt, endedAt = startedAt }) => startedAt <= endedAt)
const state = z.strictObject({
  version: z.int().min(1).max(version),
  at: time,
  gaps: z
    .array(z.strictObject({ from: time, ms: length }))
    .max(gapsKept)
    .default([]),
  definitions: z.strictObject({ key: z.string().max(100), checks: z.record(name, z.string().max(100)) }).optional(),
  mail: held,
  checks: held,
  blockers: z.record(z.string().max(4_000), z.strictObject(since)),
  incidents: z
    .array(incident)
    .max(incidentsKept)
    .refine(all => all.every(({ number: n }, i) => n < (all[i - 1]?.number ?? Infinity))),
  counts: z.record(name, number),
  uptime: z.record(
    name,
    z.strictObject({ past: z.array(span), now: z.strictObject({ from: time, works: z.boolean() }).optional() }),
  ),
})

/** What a state file holds. */
export interface Kept {
  readonly past: Past
  /** What the checks were about. Undefined in a file of version 1. */
  readonly definitions: Definitions | undefined
}

/** The text of a state file, and what is not in it, since it would be too long. */
export interface Written {
  readonly text: Shown
  readonly leftOut: string | undefined
}

/** What is written of the past. If that is too long, it leaves out old uptime first, and then old incidents. */
export function written(past: Past, definitions?: Definitions, maxBytes = maxStateBytes): Written {
  for (const [less, leftOut] of shorter) {
    const text = textOf(less(past), definitions)
    if (Buffer.byteLength(text) <= maxBytes) return { text, leftOut }
  }
  return { text: textOf(ofIncidents(0)(ofDays(0)(past))), leftOut: 'all uptime and incidents, and what the checks are' }
}

function textOf({ history, at, gaps }: Past, definitions?: Definitions): Shown {
  const { incidents, ...maps } = history
  const objects = Object.fromEntries(
    Object.entries(maps).map(([key, map]) => [key, Object.fromEntries<unknown>(map as ReadonlyMap<string, unknown>)]),
  )
  const defined = definitions && { ...definitions, checks: Object.fromEntries(definitions.checks) }
  return json({ version, at, gaps, definitions: defined, incidents, ...objects })
}

/** Leaves out what is known of mail paths from before that many days. */
const ofDays =
  (days: number) =>
  (past: Past): Past => {
    const uptime = [...past.history.uptime].map(([path, seen]) => {
      const young = seen.past.filter(({ to }) => to > past.at - days * dayMs)
      return [path, { ...seen, past: young }] as const
    })
    return { ...past, history: { ...past.history, uptime: new Map(uptime) } }
  }

/** Leaves out all but that many incidents. */
const ofIncidents =
  (most: number) =>
  (past: Past): Past => ({
    ...past,
    history: { ...past.history, incidents: past.history.incidents.slice(0, most) },
  })

const shorter: readonly (readonly [less: (past: Past) => Past, leftOut: string | undefined])[] = [
  [past => past, undefined],
  [ofDays(7), 'uptime of more than 7 days ago'],
  [ofDays(1), 'uptime of more than a day ago'],
  [ofDays(0), 'all uptime before now'],
  ...[20, 5, 1, 0].map(
    most =>
      [
        (past: Past) => ofIncidents(most)(ofDays(0)(past)),
        `all uptime before now, and all but the last ${most} incidents`,
      ] as const,
  ),
]

/** What a state file tells. Throws an Error that says what is wrong with it. */
export function keptIn(text: string): Kept {
  const data = parsed(text)
  const newer = z.object({ version: z.number() }).safeParse(data).data?.version
  if (newer !== undefined && newer > version)
    throw new Error(`was written by a newer exporter: its version is ${newer}, and this one reads ${version}`)
  const { data: found, error } = state.safeParse(data)
  if (!found) throw new Error(`is no state of the exporter: ${whereOf(error)}`)
  const { at, gaps, definitions, mail, checks, blockers, incidents, counts, uptime } = found
  const past: Past = {
    at,
    // Nobody has looked since.
    until: at,
    gaps,
    history: {
      mail: mapOf(mail),
      checks: mapOf(checks),
      blockers: mapOf(blockers),
      incidents,
      counts: mapOf(counts),
      uptime: mapOf(uptime),
    },
  }
  let last = at
  movePast(past, moment => (last = Math.max(last, moment)))
  if (last > at) throw new Error('is no state of the exporter: it tells of a time after its last look')
  return { past, definitions: definitions && { ...definitions, checks: mapOf(definitions.checks) } }
}

/** The past after the clock was set back by so much: see `setBack`. No moment is before the first year. */
export function setPastBack(past: Past, byMs: number): Past {
  const { move, gaps } = setBack(past.gaps, byMs)
  return { ...movePast(past, moment => Math.max(earliest, move(moment))), gaps }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the text.
    throw new Error(text.trim() === '' ? 'is empty' : 'is no JSON')
  }
}

/** Where the first problem is. */
const whereOf = (error: z.ZodError): string => cut(error.issues[0]?.path.map(String).join('.') || 'its top level', 200)

const mapOf = <T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> => new Map(Object.entries(record))
