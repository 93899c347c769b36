import { readTarget } from '../../clients/postgres-target.ts'
import { samePlan } from '../../clients/postgres-url/index.ts'
import type { Driver, Plan, Reading } from '../../clients/postgres-url/plan.ts'
import { createMemo } from '../../core/memo.ts'
import type { Look } from '../../core/probe.ts'
import { deedsText, listed, refusesUrl } from './deeds.ts'
import type { WritePathTarget } from './target.ts'

/** Why it is unknown how the application connects, or that its driver refuses to. */
export interface DriverProblem {
  readonly kind: 'refused' | 'not_understood' | 'unclear'
  /** What each driver does, in one line. */
  readonly text: string
  /** Other drivers accept the URL. */
  readonly onlySome?: boolean | undefined
}

/** Drivers that connect in the same way, or refuse in the same way. */
export type Party =
  | { readonly drivers: readonly Driver[]; readonly plan: Plan }
  | { readonly drivers: readonly Driver[]; readonly refused: string }
export type Connectable = Extract<Party, { readonly plan: Plan }>

/** The plan to run, and what other drivers would do. */
export interface Choice {
  readonly own: Connectable
  readonly rivals: readonly Party[]
  readonly fingerprint: string
}

/** How the application connects, by its driver; with `auto`, by each driver. Throws Unresolved. */
export async function choose(target: WritePathTarget, look: Look): Promise<Choice | DriverProblem> {
  const { drivers, readAs, fingerprint } = await readTarget(target, look)
  // What is kept holds no secret. A run with the same URL, password and so on reads them for one driver of each group.
  const groups = keptGroups(target, [fingerprint], () => groupsOf(drivers, readAs))
  const readings = groups.map(group => ({ drivers: group, reading: readAs(group[0]) }))
  const lost = readings.flatMap(({ drivers, reading }) =>
    reading.kind === 'not_understood' ? [{ drivers, why: reading.why }] : [],
  )
  if (lost.length > 0)
    return {
      kind: 'not_understood',
      text: notUnderstood(lost, drivers.length),
      onlySome: readings.some(({ reading }) => reading.kind === 'plan'),
    }
  const parties = readings.flatMap(({ drivers, reading }): Party[] => {
    if (reading.kind === 'not_understood') return []
    return [reading.kind === 'plan' ? { drivers, plan: reading.plan } : { drivers, refused: reading.error }]
  })
  const own = parties.find(isConnectable)
  if (own) return { own, rivals: parties.filter(party => party !== own), fingerprint }
  const deeds = parties.map(({ drivers, ...party }) => ({
    drivers,
    ...refusesUrl('refused' in party ? party.refused : ''),
  }))
  return { kind: 'refused', text: deedsText(deeds) }
}

const notUnderstood = (
  lost: readonly { readonly drivers: readonly Driver[]; readonly why: string }[],
  all: number,
): string =>
  lost
    .map(({ drivers, why }) => `${drivers.length === all ? '' : `as ${listed(drivers)} would read it, `}the URL ${why}`)
    .join('; ')

export const isConnectable = (party: Party): party is Connectable => 'plan' in party

/** Drivers that read a target alike. */
type DriverGroup = readonly [Driver, ...Driver[]]

const keptGroups = createMemo<WritePathTarget, readonly DriverGroup[]>()

function groupsOf(drivers: readonly Driver[], readAs: (driver: Driver) => Reading): readonly DriverGroup[] {
  const groups: { readonly reading: Reading; readonly drivers: [Driver, ...Driver[]] }[] = []
  for (const driver of drivers) {
    const reading = readAs(driver)
    const group = groups.find(one => alike(one.reading, reading))
    if (group) group.drivers.push(driver)
    else groups.push({ reading, drivers: [driver] })
  }
  return groups.map(group => group.drivers)
}

function alike(a: Reading, b: Reading): boolean {
  if (a.kind === 'plan') return b.kind === 'plan' && samePlan(a.plan, b.plan)
  if (a.kind === 'refused') return b.kind === 'refused' && a.error === b.error
  return b.kind === 'not_understood' && a.why === b.why
}
