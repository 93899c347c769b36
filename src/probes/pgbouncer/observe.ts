import { shownIn, type Shown } from '../../clients/certificates.ts'
import { isOfPooler, isSqlState, sessionFailure, type SessionFailure } from '../../clients/postgres-errors.ts'
import { ownPlan } from '../../clients/postgres-target.ts'
import { openOwnSession, planText, type Row, type Session } from '../../clients/postgres.ts'
import { codeOf } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { databasesIn, isPausedIn, versionIn, type PgbouncerDatabase } from './console.ts'
import type { PgbouncerTarget } from './target.ts'

export type { PgbouncerDatabase, PgbouncerServer } from './console.ts'

export interface PgbouncerSeen {
  readonly address: string
  /** Why the URL leads nowhere: then nothing was seen. */
  readonly notUnderstood?: string | undefined
  /** Undefined if what let us in is not the console of PgBouncer. */
  readonly databases?: readonly PgbouncerDatabase[] | undefined
  readonly version?: string | undefined
  readonly certificates?: Shown | undefined
  readonly failure?: SessionFailure | undefined
}

/** One session on the console, which takes one command at a time. */
export async function observe(target: PgbouncerTarget, look: Look): Promise<PgbouncerSeen> {
  const plan = await ownPlan({ ...target, driver: 'libpq' }, look, target)
  if (typeof plan === 'string') return { address: 'url', notUnderstood: plan }
  const address = planText(plan)
  try {
    const session = await openOwnSession(look, plan)
    try {
      return { address: session.address, certificates: session.certificates, ...(await ask(session, look)) }
    } finally {
      await session.close()
    }
  } catch (error) {
    return { address, certificates: shownIn(error), failure: sessionFailure(error, look, address) }
  }
}

const ask = (session: Session, look: Look): Promise<Pick<PgbouncerSeen, 'databases' | 'version'>> =>
  look.phase('query', async () => {
    const version = versionIn(await show(session, 'version'))
    if (version === undefined) return {}
    const [databases, pools, servers] = [
      await show(session, 'databases'),
      await show(session, 'pools'),
      await show(session, 'servers'),
    ]
    // A pause of all databases is not one of each. The command is unknown up to 1.18, which logs that as an error.
    const [major = 0, minor = 0] = version.split('.').map(Number)
    const allPaused = (major > 1 || minor >= 19) && isPausedIn(await show(session, 'state'))
    return { version, databases: databasesIn({ databases, pools, servers, allPaused }) }
  })

/** The rows; none if a Postgres refuses the command. */
async function show(session: Session, what: string): Promise<readonly Row[]> {
  try {
    return await session.query(`show ${what}`)
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (isSqlState(code) && !code.startsWith('57P') && !isOfPooler({ code })) return []
    throw error
  }
}
