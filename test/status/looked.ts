/**
 * Builders of what checks saw, and of the Status that follows from it. The probes judge it and the assessment draws the
 * conclusions, as in the program: only the I/O is left out.
 */
import type { Assessment, Memory } from '../../src/assess/assessment.ts'
import { assess } from '../../src/assess/assess.ts'
import {
  checkId,
  finding,
  reasonsOf,
  type Check,
  type Finding,
  type Observation,
  type Probe,
  type Target,
  type Verdict,
} from '../../src/core/probe.ts'
import { commonReasons } from '../../src/core/reasons.ts'
import { remember } from '../../src/history/remember.ts'
import type { CheckRecord, Status } from '../../src/monitor/ledger.ts'
import type { MailTarget } from '../../src/probes/mail/index.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import type { PostgresTarget } from '../../src/probes/postgres/target.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import type { Landing, WritePathSeen } from '../../src/probes/write_path/observe.ts'
import type { WritePathTarget } from '../../src/probes/write_path/target.ts'
import type { Rung } from '../../src/probes/write_path/observe.ts'

/** Milliseconds. */
export const intervalMs = 15_000
/** When the tests begin. */
export const start = Date.UTC(2026, 0, 12, 8)
const second = 1_000

/** A check with what it last found; nothing where it has not run. */
export interface Looked {
  readonly check: Check
  readonly observation: Observation | undefined
}

export const checkOf = <T extends Target, Seen>(
  probe: Probe<T, Seen>,
  target: T,
  needs: readonly string[] = [],
): Check => ({ ...probe.bind(target), target: target.name, intervalMs, timeoutMs: 5 * second, needs })

/** What a probe makes of what it saw, by its own judgement. The look took no time. */
export const judged = <T extends Target, Seen>(probe: Probe<T, Seen>, target: T, seen: Seen, at = start): Observation =>
  observationOf(probe.kind, target, probe.judge(seen, target), { seen, at })

/** An observation with these reasons out of the list of its probe (or of any check), for what was seen. */
export function reported<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  target: T,
  codes: readonly string[],
  how: { seen?: Seen; at?: number; unmet?: readonly string[] } = {},
): Observation {
  const reason = reasonsOf<string>({ ...commonReasons, ...probe.reasons })
  const reasons = codes.map(code => reason(code, `${target.name}: ${code}`))
  return observationOf(probe.kind, target, finding(`${target.name}: all is well`, reasons, []), how)
}

/** An observation with any finding, also one that no probe would make. */
export function observationOf(
  probe: string,
  target: Target,
  found: Finding,
  { seen, at = start, unmet = [] }: { seen?: unknown; at?: number; unmet?: readonly string[] } = {},
): Observation {
  const about = { probe, target: target.name, config: target, seen }
  return { ...about, startedAt: at, finishedAt: at, phases: {}, unmet, ...found }
}

/** Assesses what was last seen of each check. */
export function assessed(
  all: readonly Looked[],
  {
    mail = [],
    partial = [],
    now = start,
    previous,
  }: {
    mail?: readonly MailTarget[] | undefined
    partial?: readonly string[]
    now?: number
    previous?: Memory | undefined
  } = {},
): Assessment {
  const latest = new Map(
    all.flatMap(({ check, observation }) => (observation ? [[checkId(check), observation] as const] : [])),
  )
  return assess({ checks: all.map(({ check }) => check), mail, partial }, previous, latest, now)
}

interface StatusOptions {
  readonly mail?: readonly MailTarget[]
  readonly now?: number
  readonly startedAt?: number
  readonly previous?: Memory
  /** Verdicts of the last runs, oldest first, by the id of the check. Default: a good run before the last one. */
  readonly histories?: Readonly<Record<string, readonly Verdict[]>>
}

/** The Status of these checks, with records that fit. */
export function statusFrom(
  all: readonly Looked[],
  { mail, now = start, startedAt = now - 60_000, previous, histories = {} }: StatusOptions = {},
): Status {
  const records = all.flatMap(one => {
    const id = checkId(one.check)
    return one.observation ? [[id, recordOf(one.check, one.observation, histories[id])] as const] : []
  })
  const assessment = assessed(all, { mail, now, previous })
  const { history } = remember(undefined, assessment)
  return { ...assessment, records: new Map(records), history, startedAt }
}

function recordOf(
  check: Check,
  { verdict, finishedAt }: Observation,
  history: readonly Verdict[] = ['ok', verdict],
): CheckRecord {
  const lastOk = history.lastIndexOf('ok')
  const failures = history.filter(one => one === 'fail').length
  const lastOkAt = lastOk < 0 ? undefined : finishedAt - (history.length - 1 - lastOk) * check.intervalMs
  return { runs: history.length, failures, failed: [], lastOkAt, history }
}

const identifier = '7000000000000000001'
export const otherIdentifier = '7000000000000000002'

/** Of the upkeep of a node, with nothing to do. */
export const wellKept = {
  transaction_id_age: 5_000_000,
  multixact_age: 1_000,
  oldest_database: 'postgres',
  slots: [],
  archive_failing: null,
  archive_failed_file: null,
  archived_seconds: null,
  prepared_seconds: 0,
  prepared_age: 0,
  oldest_prepared: null,
  transaction_seconds: 0,
  horizon_age: 1,
  oldest_pid: null,
  sessions: [],
} as const satisfies Partial<NodeFacts>

/** A node of a cluster of three; its number makes its address, and when its postmaster started. */
export function primaryFacts(number: number, fields: Partial<NodeFacts> = {}): NodeFacts {
  return {
    in_recovery: false,
    read_only: false,
    read_only_source: 'default',
    version: '18.4',
    server_address: `10.0.0.12${number}`,
    server_port: 5432,
    postmaster_start: `2026-01-0${number + 1}T08:00:00.000000`,
    system_identifier: identifier,
    wal_lsn: 4096,
    wal_file_timeline: '00000001',
    receiver_running: false,
    receiver_status: null,
    received_timeline: null,
    upstream_host: null,
    upstream_port: null,
    receiver_silent_seconds: null,
    replay_lag_bytes: null,
    last_replay_seconds: null,
    replay_paused: null,
    connections: 12,
    max_connections: 100,
    monitor: true,
    synchronous: false,
    sync_standbys: 0,
    ...wellKept,
    ...fields,
  }
}

export const standbyFacts = (number: number, fields: Partial<NodeFacts> = {}): NodeFacts =>
  primaryFacts(number, {
    in_recovery: true,
    read_only: true,
    wal_file_timeline: null,
    receiver_running: true,
    receiver_status: 'streaming',
    received_timeline: 1,
    upstream_host: '10.0.0.121',
    upstream_port: 5432,
    receiver_silent_seconds: 1,
    replay_lag_bytes: 0,
    replay_paused: false,
    ...fields,
  })

export const nodeTarget = (name: string, cluster = 'keybuzz'): PostgresTarget =>
  postgres.target.parse({ name, cluster, url: `postgres://mailpath@${name}:5432/postgres` })

/** A node that answered, or that did not where there are no facts. */
export function node(
  name: string,
  facts: NodeFacts | undefined,
  { at = start, cluster }: { at?: number; cluster?: string } = {},
): Looked {
  const target = nodeTarget(name, cluster)
  const refused = `${name}:5432: connect ECONNREFUSED (phase connect)`
  const failure = { phase: 'connect', code: 'ECONNREFUSED', text: refused, timedOut: false }
  const seen = { address: `${name}:5432`, facts, failure: facts ? undefined : failure }
  return { check: checkOf(postgres, target), observation: judged(postgres, target, seen, at) }
}

/** A session on the server with these facts. */
export const landingOn = (facts: NodeFacts, fields: Partial<Landing> = {}): Landing => ({
  in_recovery: facts.in_recovery,
  read_only: facts.read_only,
  read_only_source: facts.read_only_source,
  server_address: facts.server_address,
  server_port: facts.server_port,
  postmaster_start: facts.postmaster_start,
  system_identifier: facts.system_identifier,
  wal_file_timeline: facts.wal_file_timeline,
  backend_pid: 4711,
  backend_age_seconds: 0,
  role: 'kb_backend',
  database: 'keybuzz_backend',
  role_valid_until: null,
  role_valid_seconds: null,
  pooled: false,
  ...fields,
})

export const pathTarget = (name: string, cluster = 'keybuzz'): WritePathTarget =>
  writePath.target.parse({
    name,
    cluster,
    url: `postgres://kb_backend@${name.replaceAll(' ', '-')}:5432/keybuzz_backend`,
  })

/** A statement of the write ladder; refused as by a standby where `refused` says so. */
export const rung = (name: 'xid' | 'commit', seconds = 0.002, refused?: string): Rung => ({
  rung: name,
  ok: refused === undefined,
  hung: false,
  seconds,
  code: refused === undefined ? undefined : '25006',
  text: refused ?? '',
  syncWait: false,
})
const readOnlyText = 'cannot execute UPDATE in a read-only transaction'

/** What a write path saw whose sessions landed there, with a write ladder that fits. */
export function wrote(landings: readonly Landing[], fields: Partial<WritePathSeen> = {}): WritePathSeen {
  const refused = landings[0]?.read_only === true
  const ladder =
    landings.length === 0 ? [] : refused ? [rung('xid', 0.002, readOnlyText)] : [rung('xid'), rung('commit')]
  return { address: '10.0.0.10:5432', addressOnly: undefined, landings, ladder, failure: undefined, ...fields }
}

/** A write path whose sessions landed there. */
export function path(
  name: string,
  landings: readonly Landing[],
  { at = start, cluster, ...fields }: { at?: number; cluster?: string } & Partial<WritePathSeen> = {},
): Looked {
  const target = pathTarget(name, cluster)
  const seen = wrote(landings, { address: `${name}:5432`, ...fields })
  return { check: checkOf(writePath, target), observation: judged(writePath, target, seen, at) }
}
