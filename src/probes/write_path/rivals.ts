import * as z from 'zod'
import { connectionProblem, failureText } from '../../clients/postgres-errors.ts'
import { samePlan } from '../../clients/postgres-url/index.ts'
import type { Plan } from '../../clients/postgres-url/plan.ts'
import { samePlaces } from '../../clients/postgres-url/same.ts'
import { openSession, planText, type Session } from '../../clients/postgres.ts'
import type { Failure } from '../../core/errors.ts'
import { failureOf, type Look } from '../../core/probe.ts'
import { deedsText, getsIn, goesTo, isRefused, landsOn, listed, refusesUrl, wasNotTried, type Deed } from './deeds.ts'
import { isConnectable, type Choice, type Connectable, type DriverProblem, type Party } from './drivers.ts'
import type { WritePathTarget } from './target.ts'

/** Where a session landed, in facts that can be compared. */
export interface Arrival {
  readonly address: string
  readonly tls: Session['tls']
  readonly server_address: string | null
  readonly server_port: number | null
  readonly postmaster_start: string | null
  readonly read_only: boolean
}

type Outcome =
  | { readonly kind: 'in'; readonly at: Arrival | undefined }
  | { readonly kind: 'out'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly text: string }

/** The outcome for each party at the last attempt. */
interface Tried {
  readonly key: string
  /** All got in, and the drivers do not differ. Undefined if none got in, which compares nothing. */
  readonly agree: boolean | undefined
  /** By the monotonic clock. */
  readonly until: number
  readonly at: number
  readonly outcomes: readonly Outcome[]
}

/** How long an outcome holds, in milliseconds, while neither URL, password nor the server reached change. */
const holdsMs = 3_600_000
/** After a failure that may pass by itself. */
const passingMs = 300_000
/** A path may alternate between servers, so the outcomes for the last ones are kept. */
const mostKept = 8

/** Outcomes by target. Kept here because a probe has no state, and weakly, so that they go with the target. */
const memory = new WeakMap<WritePathTarget, { readonly fingerprint: string; readonly tried: readonly Tried[] }>()

/**
 * Whether it matters which driver the application has; undefined if all would do as the run did. Other drivers are
 * tried up to the login, and only if the run's own session does not prove the outcome already.
 */
export async function compare(
  target: WritePathTarget,
  look: Look,
  { own, rivals, fingerprint }: Choice,
  ran: { readonly at: Arrival | undefined; readonly failure: Failure | undefined; readonly wrote: boolean },
): Promise<DriverProblem | undefined> {
  // A shortage of the exporter proves nothing, so nothing is kept.
  if (rivals.length === 0 || ran.failure?.want) return undefined
  // Other ways lead to the same place, which takes no write: nothing more to prove, and the time may be over.
  if (ran.at && !ran.wrote && rivals.every(rival => !isConnectable(rival) || differInTls(own, rival))) return undefined
  if (own.plan.user === '') return byAddress(own, rivals)
  const mine: Outcome =
    ran.at === undefined && ran.failure ? { kind: 'out', failure: ran.failure } : { kind: 'in', at: ran.at }
  const known = memory.get(target)
  const before = known?.fingerprint === fingerprint ? known.tried : []
  const key = keyOf(mine)
  const last = before.find(one => one.key === key)
  const now = performance.now()
  if (last && now < last.until) return verdict(own, mine, rivals, last.outcomes, now - last.at)
  const agreed = before.find(one => one.agree !== undefined)?.agree === true
  const outcomes = await tryAll(look, own, mine, rivals, agreed)
  // Do not use the old outcomes: a way that hangs from now on must not count as one that gets in.
  if (!outcomes || outcomes.some(one => one.kind === 'out' && one.failure.want)) return notTried(own, mine, rivals)
  // If no way gets in, the run fails, and it must be noticed soon when another way gets in.
  const isPassing = outcomes.some(
    one => one.kind === 'out' && (mine.kind === 'out' ? !isWrongPassword(one.failure) : passes(one.failure)),
  )
  const problem = verdict(own, mine, rivals, outcomes, 0)
  // In the moment of a failover one is refused and the next one gets in: that may be no difference of the drivers.
  if (problem && [mine, ...outcomes].some(one => one.kind === 'out' && passes(one.failure))) return problem
  const agree = mine.kind === 'out' ? undefined : !problem && outcomes.every(({ kind }) => kind === 'in')
  const tried: Tried = { key, agree, at: now, until: now + (isPassing ? passingMs : holdsMs), outcomes }
  memory.set(target, { fingerprint, tried: [tried, ...before.filter(one => one.key !== key)].slice(0, mostKept) })
  return problem
}

function keyOf(outcome: Outcome): string {
  if (outcome.kind === 'refused') return outcome.text
  if (outcome.kind === 'out') return JSON.stringify(['out', connectionProblem(outcome.failure), outcome.failure.code])
  const { at } = outcome
  return JSON.stringify(['in', at?.postmaster_start, at?.server_port, at?.read_only, at?.tls])
}

const passes = (failure: Failure): boolean =>
  // A pooler lets us in before it has a server, so its refusal of the query is one of the login.
  ['unreachable', 'no_answer', 'closed', 'starting_up', 'too_many_connections', 'pooler_refused'].includes(
    connectionProblem(failure),
  )

/** Undefined if the time of the run was over before all were tried. */
async function tryAll(
  look: Look,
  own: Connectable,
  mine: Outcome,
  rivals: readonly Party[],
  agreed: boolean,
): Promise<readonly Outcome[] | undefined> {
  const outcomes: Outcome[] = []
  for (const rival of rivals) {
    const outcome: Outcome | undefined = !isConnectable(rival)
      ? { kind: 'refused', text: rival.refused }
      : sharesFate(own.plan, mine, rival.plan, agreed)
        ? mine
        : await tryOne(look, rival)
    if (!outcome) return undefined
    outcomes.push(outcome)
  }
  return outcomes
}

/**
 * Whether the other plan would do exactly the same as the run. `agreed`: when all were tried last, they did. Then the network
 * alone refuses the run now, and not TLS or the login, by which they differ; to try them all would use up the time of the run.
 */
function sharesFate(own: Plan, mine: Outcome, rival: Plan, agreed: boolean): boolean {
  if (mine.kind === 'out') {
    const { failure } = mine
    const problem = connectionProblem(failure)
    const sameDoor = samePlaces(own, rival)
    if (['unreachable', 'no_answer', 'starting_up', 'too_many_connections'].includes(problem)) return sameDoor
    const sameLogin = own.user === rival.user && own.password === rival.password
    if (agreed && passes(failure) && failure.phase !== 'tls')
      return sameDoor && sameLogin && own.database === rival.database
    // Repeated logins with a wrong password lock roles out.
    return sameDoor && sameLogin && isWrongPassword(failure)
  }
  if (mine.kind !== 'in' || !samePlan({ ...own, tls: rival.tls }, rival)) return false
  if (rival.tls.bound === true && own.tls.bound !== true) return false
  if (mine.at?.tls === 'not offered') return rival.tls.use !== 'require'
  if (mine.at?.tls === 'not asked') return rival.tls.use === 'never' || rival.tls.use === 'allow'
  if (mine.at?.tls !== 'used') return false
  const { use, direct, verify } = rival.tls
  const begins = use === 'prefer' || use === 'opportunistic' || use === 'require'
  const sameCertificate = JSON.stringify(rival.tls.certificate) === JSON.stringify(own.tls.certificate)
  return begins && direct === own.tls.direct && verify === 'nothing' && sameCertificate
}

const isWrongPassword = ({ code, text }: Failure): boolean =>
  code === '28P01' || /(?:password|SASL) authentication failed/.test(text)

const identitySql = `
select
  host(inet_server_addr()) as server_address,
  inet_server_port() as server_port,
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as postmaster_start,
  current_setting('transaction_read_only') = 'on' as read_only`
const identity = z.object({
  server_address: z.string().nullable(),
  server_port: z.number().nullable(),
  postmaster_start: z.string().nullable(),
  read_only: z.boolean(),
})

/** On a pooler's sessions the name of a driver would stay, and the application may not have that driver. */
const nameless = (plan: Plan): Plan => {
  const { application_name: _, ...startup } = plan.startup
  return { ...plan, startup }
}

const isOver = ({ signal }: Look): boolean => signal.aborted

/** Undefined if the time of the run was over. */
async function tryOne(look: Look, { drivers, plan }: Connectable): Promise<Outcome | undefined> {
  if (isOver(look)) return undefined
  look.note(`trying how ${listed(drivers)} would connect`)
  try {
    const session = await openSession(look, nameless(plan))
    try {
      const [row] = await session.query(identitySql)
      return { kind: 'in', at: { ...identity.parse(row), address: session.address, tls: session.tls } }
    } catch (error) {
      if (isOver(look)) return undefined
      const failure = failureOf(error, look, planText(plan))
      // A refused query still means that the login worked; if the server went down, nothing worked.
      return passes(failure) ? { kind: 'out', failure } : { kind: 'in', at: undefined }
    } finally {
      await session.close()
    }
  } catch (error) {
    return isOver(look) ? undefined : { kind: 'out', failure: failureOf(error, look, planText(plan)) }
  }
}

/** Without a user only the destinations of the drivers are compared. */
function byAddress(own: Connectable, rivals: readonly Party[]): DriverProblem | undefined {
  const parties = [own, ...rivals.filter(isConnectable)]
  if (parties.every(({ plan }) => samePlaces(plan, own.plan))) return undefined
  return unclear(parties.map(({ drivers, plan }) => ({ drivers, ...goesTo(planText(plan)) })))
}

function notTried(own: Connectable, mine: Outcome, rivals: readonly Party[]): DriverProblem {
  const others = rivals.map(({ drivers }) => ({ drivers, ...wasNotTried }))
  return unclear([{ drivers: own.drivers, ...deedOf(own, mine, false) }, ...others])
}

const unclear = (deeds: Parameters<typeof deedsText>[0]): DriverProblem => ({ kind: 'unclear', text: deedsText(deeds) })

/** The drivers differ, unless all lead to the run's server or none could write: then its result holds for all. */
function verdict(
  own: Connectable,
  mine: Outcome,
  rivals: readonly Party[],
  outcomes: readonly Outcome[],
  ageMs: number,
): DriverProblem | undefined {
  const all = [mine, ...outcomes]
  if (all.every(({ kind }) => kind !== 'in')) return undefined
  if (rivals.every((rival, i) => isConnectable(rival) && sameArrival(own, mine, rival, outcomes[i]))) return undefined
  if (rivals.every((rival, i) => cannotWriteEither(own, mine, rival, outcomes[i]))) return undefined
  const { kind, text } = unclear(
    [own, ...rivals].map((party, i) => ({ drivers: party.drivers, ...deedOf(party, all[i], matters(all)) })),
  )
  const minutes = Math.floor(ageMs / 60_000)
  return { kind, text: minutes > 0 ? `${text} (tried ${minutes} min ago)` : text }
}

/** The run landed on a server that takes no write. It is the same one if it refuses the other login only now. */
function cannotWriteEither(own: Connectable, mine: Outcome, rival: Party, outcome: Outcome | undefined): boolean {
  if (mine.kind !== 'in' || mine.at?.read_only !== true) return false
  if (!isConnectable(rival)) return true
  return sameArrival(own, mine, rival, outcome) || (outcome?.kind === 'out' && differInTls(own, rival))
}

/** Whether the text has to name the servers, since getting in is not enough, or differs. */
function matters(all: readonly Outcome[]): boolean {
  const arrivals = all.flatMap(one => (one.kind === 'in' ? [one.at] : []))
  const servers = new Set(arrivals.map(at => JSON.stringify([at?.address, at?.server_port, at?.postmaster_start])))
  return arrivals.length === all.length || servers.size > 1 || arrivals.some(at => at?.read_only)
}

function sameArrival(own: Connectable, mine: Outcome, rival: Connectable, outcome: Outcome | undefined): boolean {
  if (mine.kind !== 'in' || outcome?.kind !== 'in') return false
  if (own.plan.user !== rival.plan.user || own.plan.database !== rival.plan.database) return false
  // A proxy that leads to one server and then to another.
  if (differInTls(own, rival)) return true
  const [a, b] = [mine.at, outcome.at]
  if (a === b) return true
  if (!a || !b) return samePlaces(own.plan, rival.plan)
  if (a.read_only !== b.read_only) return false
  if (a.postmaster_start !== null && b.postmaster_start !== null)
    return a.postmaster_start === b.postmaster_start && a.server_port === b.server_port
  return a.address === b.address
}

/** They differ only in TLS: same places, same login. */
const differInTls = (own: Connectable, rival: Connectable): boolean =>
  samePlan({ ...own.plan, tls: rival.plan.tls }, rival.plan)

/** What a party did, with the name of the server if that differs. */
function deedOf(party: Party, outcome: Outcome | undefined, apart: boolean): Deed {
  if (!outcome) return wasNotTried
  if (outcome.kind === 'refused') return refusesUrl(outcome.text)
  if (outcome.kind === 'out') return isRefused(failureText(outcome.failure))
  if (!apart) return getsIn
  const { at } = outcome
  const port = at?.server_port ?? undefined
  const behind = port === undefined || at?.address.endsWith(`:${port}`) ? '' : ` (a server with port ${port})`
  const where = at ? `${at.address}${behind}` : 'a server'
  const login = isConnectable(party) ? `, as ${party.plan.user} in database ${party.plan.database}` : ''
  return landsOn(`${where}${at?.read_only ? ', read-only' : ''}${login}`)
}
