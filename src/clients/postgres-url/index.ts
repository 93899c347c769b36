import { doubtOf } from './doubt.ts'
import { foreign } from './foreign.ts'
import { readLibpq } from './libpq.ts'
import { reading } from './no-plan.ts'
import { readNodePostgres } from './node-postgres.ts'
import { drivers, type Driver, type Given, type Reading } from './plan.ts'
import { readPostgresJs } from './postgres-js.ts'
import { readPrisma } from './prisma.ts'

export type { Given } from './plan.ts'
export { samePlan } from './same.ts'

const read: Readonly<Record<Driver, (given: Given) => Reading>> = {
  libpq: readLibpq,
  'node-postgres': readNodePostgres,
  'postgres.js': readPostgresJs,
  prisma: readPrisma,
}

/** How a driver would connect. Pure: reads no file, and resolves no name. */
export function readAs(driver: Driver, given: Given): Reading {
  if (given.url === undefined) return reading(() => read[driver](given))
  const other = foreign(given.url)
  if (!other) {
    const doubt = doubtOf(given.url)
    return doubt === undefined ? reading(() => read[driver](given)) : { kind: 'not_understood', why: doubt }
  }
  if (other.readers.includes(driver)) return reading(() => (other.read ?? read[driver])(given))
  return { kind: 'not_understood', why: other.what }
}

/**
 * The drivers that a URL can be for. A form of another library is read once, as that library reads it: the application
 * can have no other.
 */
export function readersOf(url: string | undefined): readonly Driver[] {
  const readers = (url === undefined ? undefined : foreign(url)?.readers) ?? drivers
  // If no driver can read it, the first one says so.
  return readers.length === 0 ? drivers.slice(0, 1) : readers
}

/** How each of them reads it. */
export const readings = (given: Given): readonly { readonly driver: Driver; readonly reading: Reading }[] =>
  readersOf(given.url).map(driver => ({ driver, reading: readAs(driver, given) }))

/** Whether a text is a URL of Postgres in a form that is read here. */
export function isOfPostgres(text: string): boolean {
  const other = foreign(text)
  return other === undefined || (other.readers.length > 0 && !text.startsWith('/'))
}
