/** How mail needs what a kind looks at. */
type Need =
  /** It says how the application itself is set: one check for each mail path. If it fails or is unknown, so is mail. */
  | 'own'
  /** If one fails or is unknown, so is mail. A mail path may list those it needs; else it needs all. */
  | 'needed'
  /** Mail leaves through it. A mail path may list its own as well. */
  | 'way out'
  /** A mail path needs the clusters that its write paths lead to. */
  | 'cluster'
  /** A node of a cluster. Mail survives without it; only the paths that write to its cluster say that it is broken. */
  | 'node'
  /** Others read values from it. It blocks mail where something that blocks mail waits for it; else mail survives. */
  | 'source'
  /** Mail can be sent without it. While it is broken, mail is `warn`. */
  | 'survived'
  /** Mail has nothing to do with it. */
  | 'none'

export interface NeedRow {
  readonly need: Need
  /** Of several blockers, the one with the lowest rank is the root: it may be the cause of those after it. */
  readonly rank: number
  /** What the audit calls its targets. */
  readonly title: string
}

/**
 * How mail needs each kind of probe, and a cluster, which is what the nodes are together. All that is said by kind
 * follows from here: the lists under `mail` in the file, the verdict and its root, shards, the page and the audit.
 */
export const needs = {
  vault: { need: 'source', rank: 10, title: 'Vault' },
  kubernetes: { need: 'source', rank: 20, title: 'Kubernetes' },
  mail: { need: 'own', rank: 40, title: 'Mail provider' },
  settings: { need: 'needed', rank: 50, title: 'Settings' },
  packages: { need: 'needed', rank: 60, title: 'Packages' },
  cluster: { need: 'cluster', rank: 70, title: 'Postgres leader' },
  postgres: { need: 'node', rank: 75, title: 'Postgres node' },
  write_path: { need: 'needed', rank: 80, title: 'Write path' },
  smtp: { need: 'way out', rank: 90, title: 'SMTP' },
  ses: { need: 'way out', rank: 100, title: 'SES' },
  drift: { need: 'survived', rank: 110, title: 'Drift' },
} as const satisfies Record<string, NeedRow>

/** What blocks mail and is of no kind: what the exporter is short of, and a value that could not be read. */
export const otherRanks = { exporter: 0, secret: 30 } as const

type Needed = keyof typeof needs
/** The kinds that mail needs in one of these ways. */
type KindOf<Ways extends Need> = {
  [Kind in Needed]: (typeof needs)[Kind]['need'] extends Ways ? Kind : never
}[Needed]

/** The same as a list, by rank. */
export const kindsOf = <Ways extends Need>(...ways: readonly Ways[]): readonly KindOf<Ways>[] =>
  (Object.keys(needs) as Needed[])
    .filter((kind): kind is KindOf<Ways> => ways.some(way => way === needs[kind].need))
    .sort((a, b) => needs[a].rank - needs[b].rank)

/** What a mail path rests on, by kind; its own check apart. */
export const pathKinds = kindsOf('source', 'needed', 'cluster', 'way out')

/** The row of a check's kind. */
export const needRow = (kind: string): NeedRow | undefined => (needs as Readonly<Record<string, NeedRow>>)[kind]

/** Something for each of these kinds. */
export const byKind = <Kind extends string, T>(kinds: readonly Kind[], of: (kind: Kind) => T): Record<Kind, T> =>
  Object.fromEntries(kinds.map(kind => [kind, of(kind)])) as Record<Kind, T>
