/** Hand-made Status values: what the page, the report and the API have to show well. */
import type {
  Blocker,
  CheckStatus,
  ClusterStatus,
  LandingStatus,
  MailStatus,
  NodeStatus,
  Role,
} from '../../src/assess/assessment.ts'
import { worst, type Observation, type Reason, type Severity, type Verdict } from '../../src/core/probe.ts'
import type { CheckRecord, Status } from '../../src/monitor.ts'

/** 2026-01-14 03:12:07 UTC */
export const now = Date.UTC(2026, 0, 14, 3, 12, 7)

const times = (n: number, verdict: Verdict): Verdict[] => Array.from({ length: n }, () => verdict)

export const reasonOf = (
  verdict: Exclude<Verdict, 'ok'>,
  severity: Severity,
  code: string,
  text: string,
  remedy: string,
): Reason => ({ code, verdict, severity, text, remedy })

interface CheckOptions {
  readonly evidence?: string
  readonly reasons?: readonly Reason[]
  readonly history?: readonly Verdict[]
  readonly needs?: readonly string[]
  readonly ageMs?: number
  readonly intervalMs?: number
  readonly phases?: Readonly<Record<string, number>>
  readonly stale?: boolean
  readonly seen?: boolean
}
interface CheckFixture {
  readonly status: CheckStatus
  readonly record: CheckRecord
}

export function check(probe: string, target: string, options: CheckOptions = {}): CheckFixture {
  const {
    evidence = 'all is well',
    reasons = [],
    needs = [],
    ageMs = 4_000,
    intervalMs = 15_000,
    stale = false,
    seen = true,
  } = options
  const phases = options.phases ?? { connect: 0.0021, login: 0.0094 }
  const verdict = worst(reasons.map(reason => reason.verdict))
  const found = { verdict, reasons, evidence: reasons[0]?.text ?? evidence, samples: [] }
  const startedAt = now - ageMs - 31
  const observation: Observation = {
    ...found,
    probe,
    target,
    config: { name: target },
    seen: undefined,
    startedAt,
    finishedAt: now - ageMs,
    phases,
  }
  const history = options.history ?? (seen ? times(50, verdict) : [])
  const lastOk = history.lastIndexOf('ok')
  return {
    status: {
      ...found,
      id: `${probe}/${target}`,
      probe,
      target,
      config: { name: target },
      intervalMs,
      needs,
      stale,
      observation: seen ? observation : undefined,
    },
    record: {
      runs: history.length,
      failures: history.filter(one => one === 'fail').length,
      lastOkAt: lastOk < 0 ? undefined : now - ageMs - (history.length - 1 - lastOk) * intervalMs,
      history,
    },
  }
}

export function status(
  checks: readonly CheckFixture[],
  rest: Partial<Pick<Status, 'mail' | 'clusters' | 'landings'>>,
): Status {
  return {
    at: now,
    startedAt: now - 9 * 86_400_000,
    mail: [],
    clusters: [],
    landings: [],
    checks: checks.map(one => one.status),
    samples: [],
    recheck: [],
    memory: { at: now, clusters: {}, outages: {} },
    ...rest,
    records: new Map(checks.map(one => [one.status.id, one.record])),
  }
}

const node = (name: string, role: Role | undefined, verdict: Verdict = 'ok', address?: string): NodeStatus => ({
  name,
  role,
  verdict,
  address,
})

export const cluster = (
  name: string,
  nodes: readonly NodeStatus[],
  rest: Partial<ClusterStatus> = {},
): ClusterStatus => ({
  name,
  nodes,
  primary: nodes.find(one => one.role === 'primary')?.name,
  primaries: nodes.filter(one => one.role === 'primary').length,
  splitBrain: false,
  verdict: worst((rest.reasons ?? []).map(reason => reason.verdict)),
  reasons: [],
  evidence: '',
  ...rest,
})

const landing = (
  writePath: string,
  nodes: readonly string[],
  onPrimary: boolean | undefined = true,
  of = 'keybuzz',
): LandingStatus => ({
  writePath,
  cluster: of,
  nodes,
  onPrimary,
})

export const needs: MailStatus['needs'] = {
  vault: [],
  settings: [],
  packages: [],
  cluster: [],
  write_path: [],
  smtp: [],
  ses: [],
}

export const blocker = ({ status: { probe, target, reasons } }: CheckFixture, root = false): Blocker => {
  const reason = reasons[0]
  if (!reason) throw new Error(`${probe}/${target} has no reason`)
  return { probe, target, reason, level: reason.verdict === 'fail' ? 'fail' : 'unknown', root }
}
const exception = (one: CheckFixture): MailStatus['exceptions'][number] => {
  const { probe, target, reason } = blocker(one)
  return { probe, target, reason }
}

export function mailPath(name: string, rest: Partial<MailStatus>): MailStatus {
  const blockers = rest.blockers ?? []
  return {
    name,
    verdict: 'ok',
    provider: 'smtp',
    blockers,
    root: blockers.find(one => one.root),
    exceptions: [],
    needs,
    ...rest,
  }
}

const nodes = (verdict3: Verdict = 'ok'): NodeStatus[] => [
  node('db-postgres-01', 'primary', 'ok', '10.0.0.120:5432'),
  node('db-postgres-02', 'standby', 'ok', '10.0.0.121:5432'),
  node('db-postgres-03', 'standby', verdict3, '10.0.0.122:5432'),
]
const nodeChecks = (): CheckFixture[] =>
  nodes().map(({ name, role = '', address = '' }, i) =>
    check('postgres', name, {
      evidence: `${address}: ${role}${i > 0 ? ', streaming' : ''}, timeline 7, ${41 + i} of 200 connections, Postgres 15.18`,
      phases: { connect: 0.0008, login: 0.0112, query: 0.0024 },
    }),
  )
const writing = (name: string, address: string): CheckFixture =>
  check('write_path', name, {
    evidence: `${address}: a write was committed in 2.4 ms`,
    phases: { references: 0.0003, connect: 0.0011, login: 0.0127, landing: 0.0018, xid: 0.0006, commit: 0.0024 },
  })

const keybuzzNeeds: MailStatus['needs'] = {
  vault: ['vault-01'],
  settings: ['backend-01'],
  packages: ['keybuzz-backend'],
  cluster: ['keybuzz'],
  write_path: ['backend DATABASE_URL', 'haproxy-write', 'secret PGHOST'],
  smtp: ['mail.keybuzz.io'],
  ses: ['backend SES'],
}

const smtpOk = check('smtp', 'mail.keybuzz.io', {
  evidence: 'mail.keybuzz.io:587: logged in over TLSv1.3, certificate valid for 61 days',
  needs: ['vault/vault-01'],
  phases: {
    references: 0.004,
    dns: 0.0013,
    connect: 0.0104,
    greeting: 0.0211,
    ehlo: 0.0103,
    starttls: 0.0311,
    auth: 0.0458,
    quit: 0.0101,
  },
})
const mailOk = check('mail', 'keybuzz-backend', { evidence: 'sends with smtp', phases: { references: 0.0002 } })
const sesStub = check('ses', 'backend SES', {
  reasons: [
    reasonOf(
      'warn',
      'low',
      'ses_absent',
      'SES: none is set of AWS_SES_ACCESS_KEY (env), AWS_SES_SECRET_KEY (env), AWS_SES_REGION (env)',
      'Set access key, secret key and region if SES is meant as a second way out; else take the target out.',
    ),
    reasonOf(
      'warn',
      'low',
      'ses_stub',
      "SES: the application's sender is a stub (implemented: false)",
      'Implement the sender, deploy it, and take `implemented: false` out of the configuration.',
    ),
  ],
})

/** All is well. */
export function healthy(): Status {
  const ses = check('ses', 'backend SES', { evidence: 'SES: complete and well-formed' })
  return status(
    [
      ...nodeChecks(),
      writing('backend DATABASE_URL', '10.0.0.120:5432'),
      writing('haproxy-write', '10.0.0.10:5432'),
      writing('secret PGHOST', '10.0.0.120:5432'),
      smtpOk,
      check('vault', 'vault-01', { evidence: 'vault-01:8200: active, token expires in 21 days, 1 secret readable' }),
      ses,
      check('settings', 'backend-01', {
        evidence: 'settings: 3 as expected, 2 present, 0 absent (optional)',
        intervalMs: 60_000,
        ageMs: 42_000,
      }),
      check('packages', 'keybuzz-backend', {
        evidence: '/opt/keybuzz/keybuzz-backend: nodemailer 6.9.8, @aws-sdk/client-ses 3.490.0',
        intervalMs: 60_000,
        ageMs: 17_000,
      }),
      mailOk,
    ],
    {
      mail: [mailPath('keybuzz-backend', { needs: keybuzzNeeds })],
      clusters: [cluster('keybuzz', nodes())],
      landings: keybuzzNeeds.write_path.map(name => landing(name, ['db-postgres-01'])),
    },
  )
}

/** The outage of incident.md: DATABASE_URL names a standby, Vault is down, SES is a stub. */
export function incident(): Status {
  const readOnly = check('write_path', 'backend DATABASE_URL', {
    reasons: [
      reasonOf(
        'fail',
        'critical',
        'write_path_read_only',
        '10.0.0.122:5432: lands on a standby: a write fails with SQLSTATE 25006 (cannot execute UPDATE in a read-only transaction)',
        'Point it at the primary, or at an endpoint that follows the primary: db-postgres-01 (10.0.0.120:5432).',
      ),
    ],
    history: [...times(31, 'ok'), ...times(19, 'fail')],
    phases: { references: 0.0003, connect: 0.0011, login: 0.0127, landing: 0.0018, xid: 0.0006 },
  })
  const vault = check('vault', 'vault-01', {
    reasons: [
      reasonOf(
        'fail',
        'high',
        'vault_uninitialized',
        'vault-01:8200: says it is not initialised (HTTP 501)',
        'Is the storage path right? Compare it with where the data is; do not run `vault operator init`.',
      ),
    ],
    history: times(50, 'fail'),
  })
  const smtp = check('smtp', 'mail.keybuzz.io', {
    reasons: [
      reasonOf(
        'unknown',
        'high',
        'reference_unresolved',
        'password: vault vault-01 secret/data/keybuzz/smtp key SMTP_PASS: Vault is not initialised',
        'Make the source named readable to the exporter, or heal what it comes from.',
      ),
    ],
    needs: ['vault/vault-01'],
    history: times(50, 'unknown'),
    phases: { references: 0.0041 },
  })
  const settings = check('settings', 'backend-01', {
    reasons: [
      reasonOf(
        'fail',
        'high',
        'setting_absent',
        'SMTP_PASS (/opt/keybuzz/keybuzz-backend/.env): not set or empty',
        'Set it in the source named, and restart the application so that it takes it.',
      ),
      reasonOf(
        'fail',
        'high',
        'setting_different',
        'SMTP_HOST (/opt/keybuzz/keybuzz-backend/.env): is not mail-core-01',
        'Correct it in the source named and restart the application, or correct `expect` if it changed on purpose.',
      ),
    ],
    intervalMs: 60_000,
    ageMs: 42_000,
    history: [...times(12, 'ok'), ...times(30, 'fail')],
  })
  const lag = check('postgres', 'db-postgres-03', {
    reasons: [
      reasonOf(
        'warn',
        'medium',
        'postgres_lag',
        '10.0.0.122:5432: standby replays 47.2 s late, more than 30 s',
        'Look for long queries on the standby, slow disks, or a slow network.',
      ),
    ],
    history: [...times(20, 'ok'), 'warn', 'ok', 'ok', 'warn', ...times(18, 'ok'), ...times(8, 'warn')],
  })
  return status(
    [
      ...nodeChecks().slice(0, 2),
      lag,
      readOnly,
      writing('haproxy-write', '10.0.0.10:5432'),
      writing('secret PGHOST', '10.0.0.120:5432'),
      smtp,
      vault,
      sesStub,
      settings,
      check('packages', 'keybuzz-backend', {
        evidence: '/opt/keybuzz/keybuzz-backend: nodemailer 6.9.8, @aws-sdk/client-ses 3.490.0',
        intervalMs: 60_000,
        ageMs: 17_000,
      }),
      mailOk,
    ],
    {
      mail: [
        mailPath('keybuzz-backend', {
          verdict: 'fail',
          needs: keybuzzNeeds,
          blockers: [blocker(vault), blocker(settings), blocker(readOnly, true), blocker(smtp)],
          exceptions: [exception(sesStub), exception(lag)],
        }),
      ],
      clusters: [cluster('keybuzz', nodes('warn'))],
      landings: [
        landing('backend DATABASE_URL', ['db-postgres-03'], false),
        landing('haproxy-write', ['db-postgres-01']),
        landing('secret PGHOST', ['db-postgres-01']),
      ],
    },
  )
}

/** Mail can be sent, and something is broken that it survives. */
export function excepted(): Status {
  const healthyOne = healthy()
  const vault = check('vault', 'vault-01', {
    reasons: [
      reasonOf(
        'warn',
        'medium',
        'vault_token_expires',
        'vault-01:8200: the token expires in 5 h',
        'Renew the token of the exporter.',
      ),
    ],
  })
  const changed = [vault, sesStub]
  const replace = (one: CheckStatus): CheckStatus => changed.find(other => other.status.id === one.id)?.status ?? one
  return {
    ...healthyOne,
    checks: healthyOne.checks.map(replace),
    records: new Map([...healthyOne.records, ...changed.map(one => [one.status.id, one.record] as const)]),
    mail: [
      mailPath('keybuzz-backend', {
        verdict: 'warn',
        needs: keybuzzNeeds,
        exceptions: [exception(vault), exception(sesStub)],
      }),
    ],
  }
}

const notRunYet = reasonOf('unknown', 'medium', 'not_run_yet', 'has not run yet', 'Wait for one interval.')

/** The first moment: no check has run. */
export function starting(): Status {
  const unseen = ({ id, probe, target, needs: of }: CheckStatus): CheckFixture =>
    check(probe, target, { reasons: [notRunYet], seen: false, needs: id.startsWith('smtp') ? of : [] })
  const checks = healthy().checks.map(unseen)
  const all = checks.filter(one => one.status.probe !== 'postgres').map((one, i) => blocker(one, i === 0))
  return status(checks, {
    mail: [
      mailPath('keybuzz-backend', { verdict: 'unknown', provider: undefined, needs: keybuzzNeeds, blockers: all }),
    ],
    clusters: [
      cluster(
        'keybuzz',
        nodes().map(({ name }) => node(name, undefined, 'unknown')),
        { primaries: undefined, splitBrain: undefined, verdict: 'unknown' },
      ),
    ],
    landings: keybuzzNeeds.write_path.map(name => landing(name, [], undefined)),
  })
}

/** Two primaries of one cluster, one path that alternates between them, and a check that has gone stale. */
export function splitBrain(): Status {
  const split = reasonOf(
    'fail',
    'critical',
    'cluster_split_brain',
    'cluster keybuzz: db-postgres-01 (timeline 7) and db-postgres-02 (timeline 8) are both writable',
    'Fence db-postgres-01 now: stop it, or take it out of every endpoint; then rebuild it as a standby.',
  )
  const old = check('write_path', 'haproxy-write', {
    reasons: [
      reasonOf(
        'fail',
        'critical',
        'write_path_old_primary',
        '10.0.0.10:5432: 2 of 4 sessions land on db-postgres-01, which is writable but not the primary',
        'Fence that server, then point the path at the primary.',
      ),
    ],
    history: [...times(44, 'ok'), ...times(6, 'fail')],
  })
  const stale = check('postgres', 'db-postgres-03', {
    reasons: [
      reasonOf(
        'unknown',
        'high',
        'stale',
        'last seen 190 s ago, then ok',
        'Find out why the check no longer runs: is the exporter short of CPU, or stopped?',
      ),
    ],
    stale: true,
    ageMs: 190_000,
    history: times(50, 'ok'),
  })
  const three = [
    node('db-postgres-01', 'primary', 'ok', '10.0.0.120:5432'),
    node('db-postgres-02', 'primary', 'ok', '10.0.0.121:5432'),
    node('db-postgres-03', undefined, 'unknown', '10.0.0.122:5432'),
  ]
  return status(
    [...nodeChecks().slice(0, 2), stale, writing('backend DATABASE_URL', '10.0.0.121:5432'), old, smtpOk, mailOk],
    {
      mail: [
        mailPath('keybuzz-backend', {
          verdict: 'fail',
          needs: {
            ...needs,
            cluster: ['keybuzz'],
            write_path: ['backend DATABASE_URL', 'haproxy-write'],
            smtp: ['mail.keybuzz.io'],
          },
          blockers: [{ probe: 'cluster', target: 'keybuzz', reason: split, level: 'fail', root: true }, blocker(old)],
        }),
      ],
      clusters: [
        cluster('keybuzz', three, { primary: 'db-postgres-02', primaries: 2, splitBrain: true, reasons: [split] }),
      ],
      landings: [
        landing('backend DATABASE_URL', ['db-postgres-02']),
        landing('haproxy-write', ['db-postgres-01', 'db-postgres-02'], false),
      ],
    },
  )
}

/** Several mail paths over several clusters. `n` is the number of nodes and of write paths of each. */
export function many(n = 30, paths = 5): Status {
  const refused = (name: string): Reason =>
    reasonOf(
      'fail',
      'critical',
      'write_path_unreachable',
      `${name}: connection refused (ECONNREFUSED, phase connect)`,
      'Is Postgres running and listening there? Check the host name, the port and the firewall.',
    )
  const parts = Array.from({ length: paths }, (_, p) => {
    const of = `cluster-${p + 1}`
    const own = Array.from({ length: n }, (_, i) =>
      node(
        `db-${p + 1}-${String(i + 1).padStart(3, '0')}`,
        i === 0 ? 'primary' : 'standby',
        'ok',
        `10.${p}.${Math.floor(i / 200)}.${(i % 200) + 1}:5432`,
      ),
    )
    const ways = Array.from({ length: Math.ceil(n / 4) }, (_, i) => {
      const name = `app-${p + 1}-worker-${i + 1}`
      return p === 1 && i === 2
        ? check('write_path', name, { reasons: [refused('10.1.0.3:5432')] })
        : writing(name, `10.${p}.0.1:5432`)
    })
    const bad = ways.filter(way => way.status.verdict === 'fail')
    const path = mailPath(`application-${p + 1}`, {
      verdict: bad.length > 0 ? 'fail' : 'ok',
      provider: p === 3 ? 'ses' : 'smtp',
      blockers: bad.map((way, i) => blocker(way, i === 0)),
      needs: { ...needs, cluster: [of], write_path: ways.map(way => way.status.target), smtp: ['mail.keybuzz.io'] },
    })
    const landings = ways.map(way =>
      landing(way.status.target, way.status.verdict === 'ok' ? [own[0]?.name ?? ''] : [], undefined, of),
    )
    const checks = [
      ...own.map(one => check('postgres', one.name, { evidence: `${one.address ?? ''}: ${one.role ?? ''}` })),
      ...ways,
      check('mail', path.name),
    ]
    return { path, landings, checks, cluster: cluster(of, own) }
  })
  return status([...parts.flatMap(part => part.checks), { ...smtpOk, status: { ...smtpOk.status, needs: [] } }], {
    mail: parts.map(part => part.path),
    clusters: parts.map(part => part.cluster),
    landings: parts.flatMap(part => part.landings),
  })
}

export const hostileText = `"><script>alert('x')</script><img src=x onerror=alert(1)> & &lt;b&gt; ]]> --> </style></title> \${x}`
const long = `averyveryverylongname${'0123456789'.repeat(9)}`

/** Names and texts that try to break out of the markup, or the layout. */
export function hostile(): Status {
  const [hostA, hostB] = [`${hostileText}1`, long]
  const bad = (text: string): Reason =>
    reasonOf('fail', 'critical', hostileText, text, `${hostileText} ${'remedy'.repeat(60)}`)
  const ways = [
    check('write_path', hostA, {
      reasons: [bad(`${hostileText} ${long.repeat(5)}`), bad(hostileText)],
      phases: { [hostileText]: 1 },
    }),
    check('write_path', hostB, { evidence: `${hostileText} ${'word '.repeat(120)}` }),
  ]
  const db = [node(hostA, 'primary', 'ok', hostileText), node(hostB, 'standby', 'unknown', long)]
  return status(
    [
      ...ways,
      ...db.map(one => check('postgres', one.name)),
      check('smtp', hostA),
      check('vault', hostB),
      check('mail', hostA),
    ],
    {
      mail: [
        mailPath(hostA, {
          verdict: 'fail',
          needs: { ...needs, cluster: [hostA], write_path: [hostA, hostB], smtp: [hostA], vault: [hostB] },
          blockers: ways.slice(0, 1).map(way => blocker(way, true)),
        }),
        mailPath(hostB, {}),
      ],
      clusters: [cluster(hostA, db, { reasons: [bad(hostileText)] })],
      landings: [landing(hostA, [hostA, hostB], false, hostA), landing(hostB, [hostB], true, hostA)],
    },
  )
}
