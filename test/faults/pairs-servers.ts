import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterName, targets } from '../demo/config.ts'
import { certificates } from '../servers/certificates.ts'
import { silent } from '../servers/hostile.ts'
import { one, two } from './cluster-stage.ts'
import { single } from './pairs-app.ts'
import type { PairsStage } from './pairs-stage.ts'

const inDatabase = single('database')
const clusterTells = (code: string): string => `cluster/${clusterName} ${code}`
/** Of the write paths that fail for one cause the first configured is told as the root. */
const pathTells = (code: string): string => `write_path/${targets.haproxy} ${code}`

export const database = {
  noPrimary: inDatabase('no primary', [clusterTells('cluster_no_primary'), pathTells('write_path_read_only')], stage =>
    demote(stage),
  ),
  splitBrain: inDatabase('split brain', [clusterTells('cluster_split_brain')], ({ platform }) =>
    platform.cluster.splitBrain(two),
  ),
  primaryKilled: inDatabase(
    'primary killed',
    [`postgres/${one} postgres_unreachable`, pathTells('write_path_closed')],
    ({ first }) => first.kill(),
  ),
  standbyKilled: inDatabase('standby killed', [`postgres/${two} postgres_unreachable`], ({ platform }) =>
    platform.cluster.node(two).kill(),
  ),
  receiverCut: inDatabase('WAL receiver cut', [`postgres/${two} postgres_receiver_down`], ({ platform }) =>
    platform.cluster.cutReceiver(two),
  ),
  lag: inDatabase('replay paused, lag growing', [`postgres/${two} postgres_lag`], async ({ platform }) => {
    await platform.cluster.pauseReplay(two)
    // Past max_lag, but for the one interval and deadline that are left to see it.
    await sleep(2_500)
  }),
  readOnly: inDatabase('default_transaction_read_only on', [pathTells('write_path_read_only')], ({ platform }) =>
    platform.cluster.setReadOnly('database', true),
  ),
  commitStuck: inDatabase('commits stuck', [pathTells('write_path_commit_stuck')], ({ platform }) =>
    platform.cluster.stickSyncCommit(),
  ),
  heartbeatRevoked: inDatabase(
    'heartbeat table not permitted',
    [`write_path/${targets.databaseUrl} write_path_heartbeat_refused`],
    ({ grantHeartbeat }) => grantHeartbeat(false),
  ),
}

const inRelay = single('relay')
const relayTells = (code: string): string => `smtp/${targets.smtp} ${code}`

export const relay = {
  refused: inRelay('relay refused', [relayTells('smtp_unreachable')], stage => stage.relay.swap()),
  silent: inRelay('relay silent', [relayTells('smtp_no_answer')], stage => stage.relay.swap(port => silent({ port }))),
  greylisting: inRelay('greylisting', [relayTells('smtp_recipient_deferred')], stage =>
    stage.relay.server().rejectRcpt(451),
  ),
  certificateExpired: inRelay(
    'certificate of the relay expired',
    [relayTells('smtp_certificate_invalid')],
    async stage => {
      stage.relay.server().certificate((await certificates()).expired)
    },
  ),
  /** The relay has the right one, and Vault has not. */
  wrongPassword: single('password')('SMTP password refused (535)', [relayTells('smtp_auth_failed')], ({ platform }) =>
    platform.vault.keep('not the one of the relay'),
  ),
}

/** All nodes are standbys. */
async function demote({ first }: PairsStage): Promise<void> {
  await first.stop()
  await writeFile(path.join(first.dataDir, 'standby.signal'), '')
  await first.start()
}
