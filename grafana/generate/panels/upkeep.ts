import { metrics as postgres } from '../../../src/probes/postgres/judge.ts'
import { metrics as writePath } from '../../../src/probes/write_path/judge.ts'
import { lines } from '../build/charts.ts'
import { by, calc, q } from '../build/promql.ts'
import { query } from '../build/query.ts'
import * as views from '../views.ts'

const where = views.chosenClusters
const most = (metric: Parameters<typeof q<'target' | 'postgres_cluster'>>[0]) => by('max', ['target'], q(metric, where))

const idsThereAre = 2_147_483_648

/** What is well today, and stops writes one day. */
export const upkeep = {
  ids: lines({
    title: 'Transaction IDs used up',
    description:
      'Age of transaction IDs and multixacts, as a share of the 2^31 there are. At 1 the server takes no write.',
    noValue: 'No data',
    unit: 'percentunit',
    max: 1,
    queries: [
      query(calc`${most(postgres.transactionIdAge)} / ${idsThereAre}`, label => label.target),
      query(calc`${most(postgres.multixactAge)} / ${idsThereAre}`, label => `multixacts of ${label.target}`),
    ],
    steps: [
      [null, 'ok'],
      [0.47, 'warn'],
      [0.95, 'fail'],
    ],
  }),
  slots: lines({
    title: 'WAL kept back by slots',
    description: 'By the replication slot that keeps most, of those with a reader (1) and of those without (0).',
    noValue: 'No data',
    unit: 'bytes',
    queries: [
      query(
        by('max', ['target', 'active'], q(postgres.slotWal, where)),
        label => `${label.target}, read ${label.active}`,
      ),
      query(by('min', ['target'], q(postgres.slotSafeWal, where)), label => `still safe on ${label.target}`),
    ],
  }),
  archive: lines({
    title: 'Archiving fails since',
    description: 'How long no WAL file was archived, while the last try failed. 0 while archiving works.',
    noValue: 'Archiving is off',
    unit: 's',
    queries: [query(most(postgres.archiveFailing), label => label.target)],
  }),
  transactions: lines({
    title: 'Oldest transactions',
    description: 'How long the oldest transaction of a client and the oldest prepared one have been open on each node.',
    noValue: 'No data',
    unit: 's',
    queries: [
      query(most(postgres.transactionTime), label => label.target),
      query(most(postgres.preparedTime), label => `prepared on ${label.target}`),
    ],
  }),
  horizon: lines({
    title: 'Horizon',
    description: 'Transactions since the oldest one that must be kept visible: vacuum removes nothing that is younger.',
    noValue: 'No data',
    unit: 'none',
    decimals: 0,
    queries: [query(most(postgres.horizonAge), label => label.target)],
  }),
  passwords: lines({
    title: 'Passwords of roles',
    description: 'How long the password of the role of each write path is still valid (valid until).',
    noValue: 'None of them ends',
    unit: 's',
    queries: [
      query(calc`${by('min', ['target'], q(writePath.roleValidUntil, where))} - time()`, label => label.target),
    ],
  }),
}
