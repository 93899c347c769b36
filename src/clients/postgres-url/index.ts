import { drivers, type Driver, type PgSettings, type Plan, type Reading } from './plan.ts'

/** What an application gives its driver. */
export interface Given {
  /** A URL, or a conninfo string; undefined where the settings say all. */
  readonly url: string | undefined
  /** The application's own `PG*` settings. Never the environment of the exporter. */
  readonly settings: PgSettings
}

/** How a driver would connect. Pure: no file is read, and no name resolved. */
export function readAs(driver: Driver, given: Given): Reading {
  return { kind: 'not_understood', why: `${driver} with ${Object.keys(given).length} is not read yet` }
}

/** What each driver makes of the same URL. */
export const readings = (given: Given): readonly { readonly driver: Driver; readonly reading: Reading }[] =>
  drivers.map(driver => ({ driver, reading: readAs(driver, given) }))

/** Whether two plans behave alike. */
export const samePlan = (a: Plan, b: Plan): boolean => canonical(a) === canonical(b)

const canonical = (plan: Plan): string => JSON.stringify(sorted(plan))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]))
}
