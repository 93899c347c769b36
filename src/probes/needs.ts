/** How mail needs the targets of a kind. */
type Need =
  /** The settings of the application itself: one check for each mail path. If it fails or is unknown, so is mail. */
  | 'own'
  /** If one fails or is unknown, so is mail. A mail path may list those it needs; else it needs all. */
  | 'needed'
  /** Mail leaves through it. A mail path may list its own as well. */
  | 'way out'
  /** A mail path needs the clusters that its write paths lead to. */
  | 'cluster'
  /** A node of a cluster, or what manages it. Mail survives without it; only paths that write to its cluster report it. */
  | 'node'
  /** It stands between write paths and the nodes. Mail survives without a look at it; only paths that name it report it. */
  | 'between'
  /** Others read values from it. It blocks mail if a blocker waits for it; else mail survives. */
  | 'source'
  /** It proves that mail arrives by a way out. If it fails, so does mail that leaves there. If it is unknown, mail is `warn`: then only the proof is missing. */
  | 'proof'
  /** Receivers believe mail because of it. If it fails, so does mail. If it is unknown, mail is `warn`: mail goes on. */
  | 'belief'
  /** Mail can be sent without it. While it is broken, mail is `warn`. */
  | 'survived'
  /** Mail does not depend on it. */
  | 'none'

export interface NeedRow {
  readonly need: Need
  /** Of several blockers, the one with the lowest rank is the root: it may be the cause of those after it. */
  readonly rank: number
  /** The title of its targets in the audit. */
  readonly title: string
}

/**
 * How mail needs each kind of probe, and clusters, which the nodes form. Derived from it: the lists under `mail` in the
 * file, the verdict and its root, shards, the page and the audit.
 */
export const needs = {
  vault: { need: 'source', rank: 10, title: 'Vault' },
  kubernetes: { need: 'source', rank: 20, title: 'Kubernetes' },
  mail: { need: 'own', rank: 40, title: 'Mail provider' },
  settings: { need: 'needed', rank: 50, title: 'Settings' },
  packages: { need: 'needed', rank: 60, title: 'Packages' },
  cluster: { need: 'cluster', rank: 70, title: 'Postgres leader' },
  patroni: { need: 'node', rank: 72, title: 'Patroni' },
  postgres: { need: 'node', rank: 75, title: 'Postgres node' },
  haproxy: { need: 'between', rank: 76, title: 'HAProxy' },
  pgbouncer: { need: 'between', rank: 78, title: 'PgBouncer' },
  write_path: { need: 'needed', rank: 80, title: 'Write path' },
  smtp: { need: 'way out', rank: 90, title: 'SMTP' },
  ses: { need: 'way out', rank: 100, title: 'SES' },
  dns: { need: 'belief', rank: 103, title: 'DNS of the sender' },
  outbox: { need: 'needed', rank: 105, title: 'Outbox' },
  canary: { need: 'proof', rank: 108, title: 'Canary' },
  drift: { need: 'survived', rank: 110, title: 'Drift' },
} as const satisfies Record<string, NeedRow>

/** Blockers without a kind: a shortage of the exporter, and a value that could not be read. */
export const otherRanks = { exporter: 0, secret: 30 } as const

type Needed = keyof typeof needs
/** The kinds that mail needs in one of these ways. */
type KindOf<Ways extends Need> = {
  [Kind in Needed]: (typeof needs)[Kind]['need'] extends Ways ? Kind : never
}[Needed]

/** These kinds as a list, by rank. */
export const kindsOf = <Ways extends Need>(...ways: readonly Ways[]): readonly KindOf<Ways>[] =>
  (Object.keys(needs) as Needed[])
    .filter((kind): kind is KindOf<Ways> => ways.some(way => way === needs[kind].need))
    .sort((a, b) => needs[a].rank - needs[b].rank)

/** What a mail path needs, by kind, without its own check. */
export const pathKinds = kindsOf('source', 'needed', 'cluster', 'way out', 'belief', 'proof')

/** The row of a kind. */
export const needRow = (kind: string): NeedRow | undefined => (needs as Readonly<Record<string, NeedRow>>)[kind]

/** `SMTP relay-1`; a name that has all words of the title goes alone: `backend SES`. */
export function titled(title: string, name: string): string {
  const has = new Set(name.toLowerCase().split(/\s+/))
  return title.split(' ').every(word => has.has(word.toLowerCase())) ? name : `${title} ${name}`
}

/** A record with a value for each of these kinds. */
export const byKind = <Kind extends string, T>(kinds: readonly Kind[], of: (kind: Kind) => T): Record<Kind, T> =>
  Object.fromEntries(kinds.map(kind => [kind, of(kind)])) as Record<Kind, T>
