import { libpqNoMatter, libpqParameters, libpqUnfollowed } from './libpq.ts'
import { nodePostgresNoMatter, nodePostgresParameters } from './node-postgres.ts'
import type { Driver } from './plan.ts'
import { postgresJsElsewhere, postgresJsNoMatter, postgresJsParameters } from './postgres-js.ts'
import { prismaNoMatter, prismaParameters } from './prisma.ts'

/** What happens to a parameter in the query of a URL. */
export type Treatment = 'followed' | 'no matter' | 'ignored' | 'sent' | 'unknown' | 'refused'

interface Table {
  readonly followed: ReadonlySet<string>
  readonly noMatter: ReadonlySet<string>
  readonly unknown: ReadonlySet<string>
  readonly refused: ReadonlySet<string>
  readonly rest: Treatment
}

const set = (...names: readonly string[]): ReadonlySet<string> => new Set(names)

const tables: Readonly<Record<Driver, Table>> = {
  libpq: {
    followed: set(...libpqParameters.keys(), 'ssl', 'requiressl'),
    noMatter: set(...libpqNoMatter),
    unknown: set(...libpqUnfollowed),
    refused: set(),
    rest: 'refused',
  },
  'node-postgres': {
    followed: set(...nodePostgresParameters),
    noMatter: set(...nodePostgresNoMatter),
    unknown: set('connectionString'),
    refused: set(),
    rest: 'ignored',
  },
  'postgres.js': {
    followed: set(...postgresJsParameters),
    noMatter: set(...postgresJsNoMatter),
    unknown: set('user', 'database'),
    refused: postgresJsElsewhere,
    rest: 'sent',
  },
  prisma: {
    followed: set(...prismaParameters),
    noMatter: set(...prismaNoMatter),
    unknown: set('sslidentity'),
    refused: set(),
    rest: 'ignored',
  },
}

/** How a driver treats a parameter of this name. */
export function treatmentOf(driver: Driver, name: string): Treatment {
  const { followed, noMatter, unknown, refused, rest } = tables[driver]
  if (noMatter.has(name)) return 'no matter'
  if (unknown.has(name)) return 'unknown'
  if (refused.has(name)) return 'refused'
  return followed.has(name) ? 'followed' : rest
}

/** Every parameter that some driver knows, in alphabetical order. */
export const parametersOfAll: readonly string[] = [
  ...new Set(
    Object.values(tables).flatMap(({ followed, noMatter, unknown, refused }) => [
      ...followed,
      ...noMatter,
      ...unknown,
      ...refused,
    ]),
  ),
  'search_path',
].sort()
