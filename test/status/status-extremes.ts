/** Hand-made Status values at the edges: split brain, very many targets, hostile names. */
import type { Reason } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { blocker, check, cluster, landing, mailPath, needs, node, reasonOf, status, times } from './status-builders.ts'
import { mailOk, nodeChecks, smtpOk, writing } from './status-parts.ts'

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
