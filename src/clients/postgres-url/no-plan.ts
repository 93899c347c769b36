import { misfit, shapes, type Shape } from '../../core/shape.ts'
import type { Endpoint, Reading } from './plan.ts'

/** Thrown while a URL is read, and caught where the reading is returned. */
class NoPlan extends Error {
  override readonly name = 'NoPlan'
  readonly reading: Exclude<Reading, { kind: 'plan' }>
  constructor(reading: Exclude<Reading, { kind: 'plan' }>) {
    super(reading.kind)
    this.reading = reading
  }
}

/** The driver refuses it. The text completes "libpq refuses it: …". */
export function refuse(error: string): never {
  throw new NoPlan({ kind: 'refused', error })
}

/** It cannot be followed here. The text completes "the URL …". */
export function giveUp(why: string): never {
  throw new NoPlan({ kind: 'not_understood', why })
}

/** The result of a reading, with or without a plan. */
export function reading(read: () => Reading): Reading {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoPlan) return error.reading
    throw error
  }
}

/** The value if it has the shape. */
function shaped<T>(shape: Shape<T>, text: string, what: string): T {
  return shape.read(text) ?? giveUp(`has ${what} that does not look like one: ${misfit(text, shape)}`)
}

/** The file of a parameter: an absolute path, since the folder in which the application runs is not known. */
export function fileOf(name: string, path: string): { readonly file: string } {
  if (!path.startsWith('/'))
    giveUp(`has ${name} with a path that does not begin with /: it counts from the folder the application runs in`)
  return { file: shaped(shapes.path, path, `${name} with a path`) }
}

export const tcp = (host: string, port: number, address?: string): Endpoint => ({
  kind: 'tcp',
  host: shaped(shapes.host, host, 'a host'),
  ...(address === undefined ? {} : { address }),
  port,
})

export const socket = (folder: string, port: number): Endpoint => ({
  kind: 'socket',
  folder: shaped(shapes.path, folder, 'a folder of sockets'),
  port,
})

/** Empty if none is given. */
export const userOf = (text: string): string => (text === '' ? '' : shaped(shapes.user, text, 'a user'))
export const databaseOf = (text: string): string => (text === '' ? '' : shaped(shapes.database, text, 'a database'))

/** A session for replication takes no statements. */
export function checkReplication(value: string | undefined): void {
  if (!['', '0', 'false', 'off', 'no'].includes(value ?? ''))
    giveUp('has replication, and a session for replication cannot write')
}

/** Undefined if it is missing or empty. */
export const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** Only those that are given. */
export const only = (startup: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(startup).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  )
