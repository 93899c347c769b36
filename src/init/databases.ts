import { isOfPostgres, readings, samePlan } from '../clients/postgres-url/index.ts'
import type { Plan } from '../clients/postgres-url/plan.ts'
import type { Database, NodeLogin } from './database.ts'
import { hostGroup } from './database-group.ts'
import { isSet, valueOf, whyUnreadable, type AppSettings } from './settings.ts'
import type { Value } from './yaml.ts'

export interface Databases {
  readonly found: readonly Database[]
  /** What was found and left out, and why. */
  readonly notes: readonly string[]
}

/** The setting of the application's own database, by its usual names. The first that is set counts. */
const usual = ['DATABASE_URL', 'POSTGRES_URL', 'POSTGRESQL_URL', 'DB_URL', 'PG_URL', 'POSTGRES_PRISMA_URL', 'uri']
const otherUses: readonly (readonly [RegExp, string])[] = [
  [/(?:^|_)(?:SHADOW|TEST|TESTING|CI)(?:_|$)/i, 'by its name it is for tests'],
  [/(?:^|_)(?:READ|READER|READONLY|RO|REPLICA|SLAVE|STANDBY|FOLLOWER)(?:_|$)/i, 'by its name it only reads'],
  [
    /(?:^|_)(?:DIRECT|NON_POOLING|UNPOOLED|MIGRATIONS?|ADMIN|ROOT)(?:_|$)/i,
    'by its name it is for changes of the schema',
  ],
]
/** A file with more of them is none of an application. */
const mostUrls = 20
/** A target cannot be called `__proto__`. */
const nameForm = /^(?!__proto__$)[A-Za-z_][\w.-]{0,63}$/

/** The databases of an application: URLs by name or by their look, else host, port and so on. */
export function databasesOf(settings: AppSettings): Databases {
  const keys = Object.keys(settings.values).filter(key => nameForm.test(key) && isUrl(settings, key))
  const ordered = [...usual.filter(key => keys.includes(key)), ...keys.filter(key => !usual.includes(key))]
  const notes: string[] = []
  const found: Database[] = []
  const plans: Plan[] = []
  for (const key of ordered.slice(0, mostUrls)) {
    const [, use] = otherUses.find(([pattern]) => pattern.test(key)) ?? []
    const url = valueOf(settings, key)
    const plan = url === undefined ? undefined : planOf(url)
    const why =
      use ??
      (url !== undefined && !isOfPostgres(url) && /^\w+:\/\//.test(url) ? 'it is no URL of Postgres' : undefined) ??
      (plan && plans.some(one => samePlan(one, plan)) ? 'it leads where the one before leads' : undefined)
    if (why !== undefined) notes.push(`${key} (${settings.at(key)}) was left out: ${why}.`)
    else found.push(ofUrl(settings, key, url, plan))
    if (plan) plans.push(plan)
  }
  if (ordered.length > mostUrls) notes.push(`${ordered.length - mostUrls} more URLs were left out: there are too many.`)
  if (found.length > 0) return { found, notes }
  const group = hostGroup(settings)
  return { found: group.found ? [group.found] : [], notes: [...notes, ...group.notes] }
}

const isUrl = (settings: AppSettings, key: string): boolean => {
  const value = valueOf(settings, key)
  if (value === undefined || usual.includes(key)) return isSet(settings, key) && usual.includes(key)
  return /^["']?[a-z+:]+:\/\//i.test(value) && isOfPostgres(value)
}

const planOf = (url: string): Plan | undefined =>
  readings({ url, settings: {} }).flatMap(({ reading }) => (reading.kind === 'plan' ? [reading.plan] : []))[0]

function ofUrl(settings: AppSettings, key: string, url: string | undefined, plan: Plan | undefined): Database {
  const notes = [
    `${key} of ${settings.place}`,
    ...(url === undefined ? [`Fix it first: ${whyUnreadable(settings, key) ?? 'it cannot be read'}.`] : []),
    ...(url !== undefined && !plan ? [`Fix it first, no driver can connect with it: ${whyNoPlan(url)}.`] : []),
    ...(url !== undefined && isPooled(url, plan)
      ? ['It goes through a PgBouncer. A target under `pgbouncer` says why, when no connection is free.']
      : []),
  ]
  return {
    key,
    lines: [['url', settings.reference(key), settings.at(key)]],
    notes,
    endpoints: plan?.endpoints ?? [],
    login: plan && url !== undefined ? loginIn(plan, url, part => settings.reference(key, { part })) : undefined,
  }
}

function whyNoPlan(url: string): string {
  const [first] = readings({ url, settings: {} })
  const reading = first?.reading
  if (reading?.kind === 'not_understood') return `the URL ${reading.why}`
  return reading?.kind === 'refused' ? reading.error : 'the URL is read by none'
}

const isPooled = (url: string, plan: Plan | undefined): boolean =>
  /[?&]pgbouncer=true\b/.test(url) || plan?.endpoints.some(({ port }) => port === 6432) === true

function loginIn(
  { user, database, password }: Plan,
  url: string,
  part: (name: string) => Value,
): NodeLogin | undefined {
  if (user === '') return undefined
  const [, mode] = /[?&]sslmode=(disable|require|verify-ca|verify-full)(?=&|$)/.exec(url) ?? []
  const pgSettings = { PGUSER: part('user'), ...(database === '' ? {} : { PGDATABASE: part('database') }) }
  return {
    lines: [['pg_settings', pgSettings], ...(password === undefined ? [] : [['password', part('password')] as const])],
    query: mode === undefined ? '' : `?sslmode=${mode}`,
  }
}
