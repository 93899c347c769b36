import { readTarget, type DriverReading } from '../../clients/postgres-target.ts'
import { samePlan } from '../../clients/postgres-url/index.ts'
import type { Driver, Plan } from '../../clients/postgres-url/plan.ts'
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
  const { readings, fingerprint } = await readTarget(target, look)
  const lost = readings.flatMap(({ driver, reading }) =>
    reading.kind === 'not_understood' ? [{ driver, why: reading.why }] : [],
  )
  if (lost.length > 0)
    return {
      kind: 'not_understood',
      text: notUnderstood(lost, readings.length),
      onlySome: readings.some(({ reading }) => reading.kind === 'plan'),
    }
  const parties = partiesOf(readings)
  const own = parties.find(isConnectable)
  if (own) return { own, rivals: parties.filter(party => party !== own), fingerprint }
  const deeds = parties.map(({ drivers, ...party }) => ({
    drivers,
    ...refusesUrl('refused' in party ? party.refused : ''),
  }))
  return { kind: 'refused', text: deedsText(deeds) }
}

function notUnderstood(lost: readonly { readonly driver: Driver; readonly why: string }[], all: number): string {
  const whys = new Map(lost.map(({ why }) => [why, lost.filter(one => one.why === why).map(({ driver }) => driver)]))
  return [...whys]
    .map(([why, drivers]) => `${drivers.length === all ? '' : `as ${listed(drivers)} would read it, `}the URL ${why}`)
    .join('; ')
}

export const isConnectable = (party: Party): party is Connectable => 'plan' in party

function partiesOf(readings: readonly DriverReading[]): readonly Party[] {
  const parties: Party[] = []
  for (const { driver, reading } of readings) {
    if (reading.kind === 'not_understood') continue
    const next: Party =
      reading.kind === 'plan'
        ? { drivers: [driver], plan: reading.plan }
        : { drivers: [driver], refused: reading.error }
    const at = parties.findIndex(party => alike(party, next))
    const found = parties[at]
    if (found) parties[at] = { ...found, drivers: [...found.drivers, driver] }
    else parties.push(next)
  }
  return parties
}

const alike = (a: Party, b: Party): boolean =>
  isConnectable(a) && isConnectable(b)
    ? samePlan(a.plan, b.plan)
    : !isConnectable(a) && !isConnectable(b) && a.refused === b.refused
