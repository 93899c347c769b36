import { rewindBinaries, rewindInstall } from '../servers/postgres-binaries.ts'
import { waitFor } from '../servers/processes.ts'
import { appUrl, one, startClusterStage, two, type ClusterStage, type NodeName } from './cluster-stage.ts'
import type { Area, Expectation, Fault } from './fault.ts'
import { cluster } from './postgres-down.ts'
import { failOverUnfenced } from './postgres-follow.ts'
import { without } from './skip.ts'

const [kept, lost] = ['kept@example.com', 'lost@example.com']

/** Of the table of the application, as superuser. */
const insert = ({ cluster }: ClusterStage, name: NodeName, recipient: string) =>
  cluster.node(name).query('insert into outbound_email (recipient) values ($1)', [recipient], cluster.database)
const recipients = async ({ cluster }: ClusterStage, name: NodeName): Promise<string> =>
  JSON.stringify(
    await cluster.node(name).query('select recipient from outbound_email order by id', [], cluster.database),
  )

const primaryIs = (name: NodeName) => ({ [`mailpath_cluster_primary_info{postgres_cluster="kb",node="${name}"}`]: 1 })
const splitBrain = (rightful: NodeName): Expectation => ({
  verdict: 'fail',
  root: 'cluster/kb cluster_split_brain',
  samples: { [cluster('primaries')]: 2, [cluster('split_brain')]: 1, ...primaryIs(rightful) },
})
/** A node that is down could be a primary again when it comes back: not known, and so not 0. */
const beingRewound = (down: NodeName, primary: NodeName): Expectation => ({
  verdict: 'warn',
  reasons: [`postgres/${down} postgres_unreachable`],
  not: ['cluster/kb cluster_split_brain'],
  samples: { [cluster('primaries')]: 1, [cluster('split_brain')]: null, ...primaryIs(primary) },
})

/** What was rewound streams on the timeline of the primary, and has the rows of it and no others. */
async function comeBack(stage: ClusterStage, name: NodeName, primary: NodeName): Promise<void> {
  await stage.cluster.node(name).start()
  await stage.cluster.restoreReceiver(name)
  const rows = await recipients(stage, primary)
  if (!rows.includes(kept) || rows.includes(lost)) throw new Error(`the primary has ${rows}`)
  await waitFor(async () => (await recipients(stage, name)) === rows, { what: `${name} has the rows of ${primary}` })
}

const faults: readonly Fault<ClusterStage>[] = [
  {
    name: 'Cluster: split brain by a promotion by mistake, healed by pg_rewind of the node promoted',
    async inject(stage) {
      await stage.cluster.splitBrain(two)
      await insert(stage, two, lost)
      await insert(stage, one, kept)
    },
    seen: splitBrain(one),
    halfway: { step: stage => stage.cluster.rewind(two), seen: beingRewound(two, one) },
    heal: stage => comeBack(stage, two, one),
  },
  // The last one, since from then on db-postgres-02 is the primary.
  {
    name: 'Cluster: split brain by a failover without fencing, healed by pg_rewind of the old primary',
    async inject(stage) {
      await failOverUnfenced(stage)
      await insert(stage, one, lost)
      await insert(stage, two, kept)
    },
    // The application still writes to the old primary: its rows are what would be lost.
    seen: { ...splitBrain(one), not: ['write_path/app write_path_old_primary'] },
    halfway: {
      async step(stage) {
        stage.env['DATABASE_URL'] = appUrl(stage, stage.cluster.node(two))
        await stage.cluster.rewind(one)
      },
      seen: beingRewound(one, two),
    },
    heal: stage => comeBack(stage, one, two),
  },
]

const binDir = rewindBinaries()
const skip = without('pg_rewind', binDir, rewindInstall)

/** On a server of its own, since the embedded one comes without pg_rewind. */
export const rewound: Area<ClusterStage> = {
  name: 'Postgres nodes rewound',
  start: () => startClusterStage({ cluster: { ...(binDir !== undefined && { binDir }) } }),
  faults: faults.map(fault => ({ ...fault, skip })),
}
