/** A cluster of three nodes behind a HAProxy and a PgBouncer, as its views saw it: for stories over several assessments. */
import type { Assessment, Blocker, CheckStatus, Memory } from '../../src/assess/assessment.ts'
import { haproxy } from '../../src/probes/haproxy/index.ts'
import type { HaproxyServer } from '../../src/probes/haproxy/observe.ts'
import type { HaproxyTarget } from '../../src/probes/haproxy/target.ts'
import { mail, type MailTarget } from '../../src/probes/mail/index.ts'
import { patroni } from '../../src/probes/patroni/index.ts'
import { pgbouncer } from '../../src/probes/pgbouncer/index.ts'
import type { PgbouncerDatabase } from '../../src/probes/pgbouncer/observe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import type { Landing, WritePathSeen } from '../../src/probes/write_path/observe.ts'
import { replicaSays } from '../status/patroni.ts'
import { assessed, checkOf, judged, path, pathTarget, reported, start, wrote, type Looked } from '../status/looked.ts'

const balancerTarget = haproxy.target.parse({ name: 'lb-1', url: 'http://lb-1:8404/metrics' })
export const balancer = (
  servers: readonly HaproxyServer[],
  at = start,
  fields: Pick<HaproxyTarget, 'servers'> = {},
): Looked => {
  const target = { ...balancerTarget, ...fields }
  const seen = { address: 'lb-1:8404', servers, proxies: ['write', 'read'] }
  return { check: checkOf(haproxy, target), observation: judged(haproxy, target, seen, at) }
}
export const silentBalancer = (at = start, code = 'haproxy_unreachable'): Looked => ({
  check: checkOf(haproxy, balancerTarget),
  observation: reported(haproxy, balancerTarget, [code], { at }),
})

const poolerTarget = pgbouncer.target.parse({ name: 'pool-1', url: 'postgres://stats@pool-1:6432/pgbouncer' })
export const database = (more: Partial<PgbouncerDatabase> = {}): PgbouncerDatabase => ({
  name: 'app',
  host: 'db-1',
  port: 5432,
  paused: false,
  disabled: false,
  active: 1,
  waiting: 0,
  maxWaitSeconds: 0,
  servers: [],
  ...more,
})
export const pooler = (databases: readonly PgbouncerDatabase[], codes: readonly string[] = []): Looked => ({
  check: checkOf(pgbouncer, poolerTarget),
  observation: reported(pgbouncer, poolerTarget, codes, { seen: { address: 'pool-1:6432', databases } }),
})

export const silentPooler: Looked = {
  check: checkOf(pgbouncer, poolerTarget),
  observation: reported(pgbouncer, poolerTarget, ['pgbouncer_unreachable']),
}

const patroniTarget = patroni.target.parse({ name: 'patroni-2', cluster: 'keybuzz', url: 'http://db-2:8008' })
export const silentPatroni: Looked = {
  check: checkOf(patroni, patroniTarget),
  observation: reported(patroni, patroniTarget, ['patroni_unreachable']),
}

/** The Patroni of db-2, which holds the leader lock or not. */
export const lock = (holdsLock: boolean): Looked => {
  const facts = replicaSays(2, { dcsLastSeenAt: start, ...(holdsLock && ({ role: 'primary', holdsLock } as const)) })
  return {
    check: checkOf(patroni, patroniTarget),
    observation: reported(patroni, patroniTarget, [], { seen: { address: 'db-2:8008', facts } }),
  }
}

type Ties = Pick<WritePathTarget, 'haproxy' | 'pgbouncer'>
export const byBalancer: Ties = { haproxy: { target: 'lb-1', proxy: 'write' } }
export const byPooler: Ties = { pgbouncer: { target: 'pool-1', database: 'app' } }

/** A write path that goes through these. */
export function through(
  ties: Ties,
  landings: readonly Landing[],
  { at = start, ...fields }: { at?: number } & Partial<WritePathSeen> = {},
  name = 'app',
): Looked {
  const target = { ...pathTarget(name), ...ties }
  const seen = wrote(landings, { address: 'lb-1:5000', ...fields })
  return { check: checkOf(writePath, target), observation: judged(writePath, target, seen, at) }
}

/** A run that is not let in, with this error. */
export const shutOut = (
  how: 'closed' | 'refused' | 'silent' | 'pooler',
  address = 'lb-1:5000',
): Partial<WritePathSeen> => {
  const failures = {
    closed: { phase: 'login', code: undefined, text: `${address}: Connection terminated unexpectedly` },
    refused: { phase: 'connect', code: 'ECONNREFUSED', text: `${address}: connect ECONNREFUSED` },
    silent: { phase: 'login', code: undefined, text: `${address}: no answer within 5 s` },
    pooler: { phase: 'login', code: '08P01', text: `${address}: server login has been failing` },
  }
  return { address, failure: { timedOut: how === 'silent', ...failures[how] } }
}
/** The same of a path without ties. */
export const plainPath = (name: string, how: Parameters<typeof shutOut>[0], address?: string): Looked =>
  path(name, [], shutOut(how, address))

const mailTarget: MailTarget = mail.target.parse({ name: 'backend', smtp: [] })

/** What one assessment says of the write path and of mail. */
export interface Said {
  readonly assessment: Assessment
  readonly path: CheckStatus
  /** `probe/target code` of the root of the mail path. */
  readonly root: string | undefined
  readonly blockers: readonly Blocker[]
  readonly exceptions: readonly string[]
}

/** What was last seen at some time; by default a second after the look before. */
interface Moment {
  readonly at?: number
  readonly all: readonly Looked[]
}

/** Assesses one look after another. */
export function story(...looks: readonly Moment[]): readonly Said[] {
  let previous: Memory | undefined
  return looks.map(({ all, at }, i) => {
    const assessment = assessed(all, { mail: [mailTarget], now: at ?? start + i * 1_000, previous })
    previous = assessment.memory
    const found = assessment.checks.find(check => check.probe === 'write_path')
    const [status] = assessment.mail
    if (!found || !status) throw new Error('there is no write path')
    const { exceptions } = status
    // No relay is looked at here.
    const blockers = status.blockers.filter(({ probe }) => probe !== mail.kind)
    const root = blockers.find(one => one.root)
    return {
      assessment,
      path: found,
      root: root && `${root.probe}/${root.target} ${root.reason.code}`,
      blockers,
      exceptions: exceptions.map(one => `${one.probe}/${one.target} ${one.reason.code}`),
    }
  })
}

/** What the last of several looks says. */
export function saidOf(...all: readonly Looked[]): Said {
  const [said] = story({ all })
  if (!said) throw new Error('nothing was said')
  return said
}
