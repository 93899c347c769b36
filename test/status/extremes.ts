/** Status values at the edges: a split brain, very many targets, hostile names. */
import { finding, type Finding, type Probe, type Reason, type Target } from '../../src/core/probe.ts'
import type { Status } from '../../src/monitor/ledger.ts'
import { mail } from '../../src/probes/mail/index.ts'
import { postgres } from '../../src/probes/postgres/index.ts'
import type { NodeFacts } from '../../src/probes/postgres/observe.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { writePath } from '../../src/probes/write_path/index.ts'
import { at, healthySeen, landing, mailPaths, node, platformThat } from './incident.ts'
import {
  assessed,
  checkOf,
  judged,
  landingOn,
  node as nodeOf,
  nodeTarget,
  observationOf,
  path,
  pathTarget,
  primaryFacts,
  standbyFacts,
  statusFrom,
  wrote,
  type Looked,
} from './looked.ts'

const shown = ['db-postgres-01', 'db-postgres-02', 'db-postgres-03', 'backend DATABASE_URL', 'haproxy-write']
const forked = { wal_file_timeline: '00000008' }

/** Two primaries of one cluster, one path that alternates between them, and a check that has gone stale. */
export function splitBrain(): Status {
  const all = platformThat({
    ...healthySeen,
    'postgres/db-postgres-02': node(2, true, forked),
    'write_path/backend DATABASE_URL': wrote([landing(2, true, forked)]),
    'write_path/haproxy-write': wrote([landing(2, true, forked), landing(1, true)]),
  }).filter(({ check }) => ['smtp', 'mail'].includes(check.probe) || shown.includes(check.target))
  // Two primaries count once they were seen twice.
  const { memory } = assessed(all, { mail: mailPaths, now: at - 30_000 })
  const now = all.map(one => (one.check.target === 'db-postgres-03' ? seenBefore(one, 186_000) : one))
  return statusFrom(now, { mail: mailPaths, now: at, previous: memory })
}

function seenBefore({ check, observation }: Looked, ms: number): Looked {
  if (!observation) throw new Error(`${check.target} was not looked at`)
  const { startedAt, finishedAt } = observation
  return { check, observation: { ...observation, startedAt: startedAt - ms, finishedAt: finishedAt - ms } }
}

/** The one relay, whose password comes out of no Vault. */
const relay = platformThat(healthySeen)
  .filter(({ check }) => check.probe === 'smtp')
  .map(one => ({ ...one, check: { ...one.check, needs: [] } }))

const refused = { phase: 'connect', code: 'ECONNREFUSED', text: '10.1.0.3:5432: refused', timedOut: false }

/** Several mail paths over several clusters. `n` is the number of nodes of each; a fourth of it are its write paths. */
export function many(n = 30, paths = 5): Status {
  const parts = Array.from({ length: paths }, (_, p) => {
    const cluster = `cluster-${p + 1}`
    const facts = Array.from({ length: n }, (_, i) => {
      const own = { server_address: `10.${p}.${Math.floor(i / 200)}.${(i % 200) + 1}`, system_identifier: `70000${p}` }
      return i === 0 ? primaryFacts(1, own) : standbyFacts(1, { ...own, upstream_host: `10.${p}.0.1` })
    })
    const nodes = facts.map((one, i) => nodeOf(`db-${p + 1}-${String(i + 1).padStart(3, '0')}`, one, { cluster }))
    const ways = Array.from({ length: Math.ceil(n / 4) }, (_, i) => {
      const name = `app-${p + 1}-worker-${i + 1}`
      const lands = facts.slice(0, 1).map(one => landingOn(one))
      return p === 1 && i === 2 ? path(name, [], { cluster, failure: refused }) : path(name, lands, { cluster })
    })
    const target = mail.target.parse({
      name: `application-${p + 1}`,
      write_path: ways.map(({ check }) => check.target),
    })
    const sends = { check: checkOf(mail, target), observation: judged(mail, target, { provider: 'smtp' }) }
    return { target, checks: [...nodes, ...ways, sends] }
  })
  return statusFrom([...parts.flatMap(part => part.checks), ...relay], { mail: parts.map(part => part.target) })
}

const hostileText = `"><script>alert('x')</script><img src=x onerror=alert(1)> & &lt;b&gt; ]]> --> </style></title> \${x}`
const long = `averyveryverylongname${'0123456789'.repeat(9)}`

/** Names and texts that try to break out of the markup, or the layout. */
export function hostile(): Status {
  const bad = (text: string): Reason => ({
    code: hostileText,
    verdict: 'fail',
    severity: 'critical',
    text,
    remedy: `${hostileText} ${'remedy'.repeat(60)}`,
  })
  const fails = finding('', [bad(`${hostileText} ${long.repeat(5)}`), bad(hostileText)], [])
  const fine = finding(`${hostileText} ${'word '.repeat(120)}`, [], [])
  const [first, second] = [`${hostileText}1`, long]
  const app = { ...mail.target.parse({ name: 'app' }), name: first }
  const [writable, readOnly] = [primaryFacts(1), standbyFacts(2)]
  const seenAt = (address: string, facts: NodeFacts) => ({ address, facts, failure: undefined })
  const lands = wrote([landingOn(writable), landingOn(readOnly)])
  return statusFrom(
    [
      looked(
        writePath,
        renamed(pathTarget('path', hostileText), first),
        { ...fails, phases: { [hostileText]: 1 } },
        lands,
      ),
      looked(writePath, renamed(pathTarget('path', hostileText), second), fine, wrote([landingOn(readOnly)])),
      looked(postgres, renamed(nodeTarget('db', hostileText), first), fails, seenAt(hostileText, writable)),
      looked(postgres, renamed(nodeTarget('db', hostileText), second), fine, seenAt(long, readOnly)),
      looked(smtp, renamed(smtp.target.parse({ name: 'relay', host: 'relay' }), first), fine),
      looked(vault, renamed(vault.target.parse({ name: 'vault', url: 'https://vault' }), second), fine),
      looked(mail, app, fine, { provider: 'smtp' }),
    ],
    { mail: [app, { ...app, name: second, write_path: [second] }] },
  )
}

const renamed = <T extends Target>(target: T, name: string): T => ({ ...target, name })

function looked<T extends Target, Seen>(
  probe: Probe<T, Seen>,
  target: T,
  { phases = {}, ...found }: Finding & { phases?: Readonly<Record<string, number>> },
  seen?: Seen,
): Looked {
  const observation = { ...observationOf(probe.kind, target, found, { seen }), phases }
  return { check: checkOf(probe, target), observation }
}
