import * as z from 'zod'
import { verdicts } from '../core/probe.ts'
import { json, type Shown } from '../core/shown.ts'
import { incidentsKept } from './incidents.ts'
import type { Past } from './remember.ts'
import { dayMs } from './uptime.ts'

/** Raised with each change that an older exporter would not understand. */
const version = 1
/** Longest file that is written and read. */
export const maxStateBytes = 16 * 1_048_576

/** What a Date can hold. Before 1970 is what a file tells on a machine that began without a clock. */
const time = z.number().min(-8.64e15).max(8.64e15)
const name = z.string().max(1_000)
const number = z.int().min(0)
const blocked = { probe: name, target: name, code: name, text: z.string().max(1_000) }
const since = { at: time, exact: z.boolean() }
const held = z.record(name, z.strictObject({ verdict: z.enum(verdicts), ...since }))
const span = z
  .strictObject({ from: time, to: time, up: z.number().min(0), down: z.number().min(0) })
  .refine(({ from, to, up, down }) => to > from && up + down <= to - from + 1)
const incident = z.strictObject({
  number: z.int().min(1),
  startedAt: time,
  startExact: z.boolean(),
  endedAt: time.optional(),
  endExact: z.boolean(),
  interruptions: number,
  unseenMs: z.number().min(0),
  paths: z.array(z.strictObject({ name, from: time, to: time.optional(), root: name.optional() })),
  roots: z.array(z.strictObject({ ...blocked, at: time, paths: z.array(name) })),
  causes: z.array(z.strictObject({ ...blocked, from: time, to: time.optional() })),
  isCut: z.boolean(),
})
const state = z.strictObject({
  version: z.literal(version),
  at: time,
  mail: held,
  checks: held,
  blockers: z.record(name, z.strictObject(since)),
  incidents: z.array(incident).max(incidentsKept),
  counts: z.record(name, number),
  uptime: z.record(
    name,
    z.strictObject({ past: z.array(span), now: z.strictObject({ from: time, works: z.boolean() }).optional() }),
  ),
})

/** The past as the text of a state file. If it is too long, it leaves out old uptime first, and then incidents. */
export function stateText(past: Past): Shown {
  for (const less of [whole, ofDays(7), ofDays(1), ofDays(0)]) {
    const text = textOf(less(past))
    if (Buffer.byteLength(text) <= maxStateBytes) return text
  }
  return textOf({ ...past, history: { ...past.history, incidents: [], uptime: new Map() } })
}

function textOf({ history, at }: Past): Shown {
  const { incidents, ...maps } = history
  const objects = Object.fromEntries(
    Object.entries(maps).map(([key, map]) => [key, Object.fromEntries<unknown>(map as ReadonlyMap<string, unknown>)]),
  )
  return json({ version, at, incidents, ...objects })
}

const whole = (past: Past): Past => past

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

/** The past that a state file tells. Throws an Error that says what is wrong with it. */
export function pastOf(text: string): Past {
  const data = parsed(text)
  const written = z.object({ version: z.int() }).safeParse(data).data?.version
  if (written !== undefined && written > version)
    throw new Error(`was written by a newer exporter: its version is ${written}, and this one reads ${version}`)
  const { data: found, error } = state.safeParse(data)
  if (!found) throw new Error(`is no state of the exporter: ${whereOf(error)}`)
  const { at, mail, checks, blockers, incidents, counts, uptime } = found
  return {
    at,
    // Nobody has looked since.
    until: at,
    history: {
      mail: mapOf(mail),
      checks: mapOf(checks),
      blockers: mapOf(blockers),
      incidents,
      counts: mapOf(counts),
      uptime: mapOf(uptime),
    },
  }
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
const whereOf = (error: z.ZodError): string => error.issues[0]?.path.map(String).join('.') || 'its top level'

const mapOf = <T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> => new Map(Object.entries(record))
