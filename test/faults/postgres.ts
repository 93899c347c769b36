import { startClusterStage, type ClusterStage } from './cluster-stage.ts'
import type { Area } from './fault.ts'
import { downFaults, slots } from './postgres-down.ts'
import { loginFaults } from './postgres-login.ts'
import { replicationFaults } from './postgres-replication.ts'
import { rewound } from './postgres-rewind.ts'
import { upkeep } from './postgres-upkeep.ts'
import { startTlsStage, tlsFaults, type TlsStage } from './postgres-tls.ts'
import { runnable, type Runnable } from './runner.ts'

const nodes: Area<ClusterStage> = {
  name: 'Postgres nodes',
  start: () => startClusterStage({ cluster: { settings: { max_connections: String(slots) } } }),
  faults: [...downFaults, ...loginFaults, ...replicationFaults],
}

const tls: Area<TlsStage> = { name: 'Postgres over TLS', start: startTlsStage, faults: tlsFaults }

export const postgresAreas: readonly Runnable[] = [runnable(nodes), runnable(rewound), runnable(tls), runnable(upkeep)]
