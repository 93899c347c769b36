import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'
import { startAgain } from '../../probes/patroni/start.ts'

/** Reasons that take all nodes of a cluster, and what Patroni says of them. */
export const clusterReasons = {
  cluster_no_primary: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Every node of the cluster answers, and none of them is a primary. Where Patroni is looked at: no node that may be the primary is left, and Patroni has not promoted one yet.',
    remedy:
      'Find out why the failover manager promotes none. Without one, make sure that the old primary stays down, then promote the standby that has most.',
  },
  cluster_split_brain: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Two nodes with the same system identifier are writable: what is written to one of them will be lost.',
    remedy:
      'Keep the one that clients write to (under Patroni the one that holds the leader lock), and fence the other at once. Copy the data of the other before it is rewound.',
  },
  cluster_primary_unknown: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'No primary is seen. A node that cannot be asked may be it, or two nodes that take writes may be one server.',
    remedy: 'Heal the nodes that do not answer, or the way to them.',
  },
  cluster_mixed: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'Nodes under the name of one cluster have different system identifiers: they are not one cluster.',
    remedy:
      'Correct the URL or the `cluster` of the postgres target named. If the node was initialised again, rebuild it.',
  },
  cluster_timeline_behind: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'A standby is on an older timeline than the primary: it does not follow since a promotion.',
    remedy:
      'Check whether it only has to be pointed at the primary (primary_conninfo). Rewind or rebuild it only if its log says that it forked off.',
  },
  cluster_wrong_upstream: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'A standby streams from a server that has no WAL of the primary: it falls behind, while its own lag looks small.',
    remedy: 'Correct primary_conninfo of the standby named, or heal the server it streams from.',
  },
  cluster_timeline_went_back: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The primary is on an older timeline, or at an earlier WAL position, than a primary before it: what was committed in between may exist on no node. It stays for 24 h, or until a reload.',
    remedy:
      'Stop nothing yet. See the runbook: find out which node had the later timeline, keep its data directory and WAL before it is rewound, and look there for the rows that are missing. Then reload the exporter, which ends this reason.',
  },
  cluster_dcs_lost: {
    verdict: 'warn',
    failsIf: 'no node is primary',
    severity: 'critical',
    meaning:
      'Patroni does not reach its DCS (etcd, Consul, ZooKeeper, Kubernetes). If that lasts, the primary is demoted, unless failsafe_mode keeps it, and a Patroni without a DCS promotes none.',
    remedy:
      'Bring the DCS back: look at its members, their logs and disks, and the network to them. Promote no node by hand, and restart neither Patroni nor Postgres: once the DCS is back, Patroni goes on by itself.',
  },
  cluster_failsafe_active: {
    verdict: 'warn',
    severity: 'critical',
    meaning:
      'The primary has lost the DCS, and failsafe_mode keeps it. That lasts only while it reaches the Patroni of every member: if one of them hangs or goes down, there is an outage.',
    remedy: 'Bring the DCS back. Until then stop, restart or update no Patroni and no node.',
  },
  cluster_patroni_silent: {
    verdict: 'warn',
    failsIf: 'no node is primary',
    severity: 'critical',
    meaning:
      'A node answers, and its Patroni does not. If Patroni is down on the primary, HAProxy takes the node out. When its lock ends (`ttl`), another node is promoted while this one still takes writes: a split brain.',
    remedy: startAgain('the node named', 'at once if the node is the primary'),
  },
  cluster_primary_not_elected: {
    verdict: 'warn',
    severity: 'critical',
    meaning:
      'A node takes writes, and by its Patroni it does not hold the leader lock. It was promoted by hand, past Patroni, or maintenance mode is on.',
    remedy:
      'Send no writes to the node named, and see patronictl list: which node holds the lock? Copy the data of the node named before it is rewound or rebuilt: rows that only it has exist nowhere else. Leave the holder of the lock alone.',
  },
  cluster_leader_crash_looping: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'A node holds the leader lock, and its Postgres does not come up, or goes down again and again. While its Patroni renews the lock, no other node is promoted.',
    remedy:
      'See the log of Postgres on the node named: a full disk, a damaged file, a wrong parameter. Fix that, and Patroni starts it by itself. If it recovers from a crash, wait. If it cannot be fixed: patronictl failover. Promote none by hand.',
  },
  cluster_replica_diverged: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Patroni and HAProxy say that a replica runs, and it receives no WAL: its data have diverged, or its upstream has removed WAL that it needs.',
    remedy:
      'See its log. If it has diverged, it may have rows that no other node has: copy its data first. Then build it again: patronictl reinit CLUSTER MEMBER. Until then it is no candidate for a failover.',
  },
  cluster_standby_by_design: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'Patroni runs a standby cluster: its leader follows another cluster, and there is no primary here by design.',
    remedy:
      'Point the write path at the other cluster. Only if that one is given up: take standby_cluster out by patronictl edit-config, and Patroni promotes the leader.',
  },
  cluster_no_candidate: {
    verdict: 'warn',
    failsIf: 'no node is primary',
    severity: 'high',
    meaning:
      'If the primary fails, no node is promoted: maintenance mode is on, or each standby that runs has the tag nofailover.',
    remedy:
      'If the maintenance is over: patronictl resume. If it is the tag: take nofailover out of the configuration of a standby, and reload its Patroni. Promote none by hand.',
  },
  cluster_pending_restart: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'A parameter was changed and takes effect only after a restart of Postgres.',
    remedy:
      'Restart in a quiet hour: patronictl restart CLUSTER MEMBER. If the value grows, the standbys first; if it gets smaller, the primary first.',
  },
  cluster_member_unlisted: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'Patroni has a member that is no postgres target here, or a postgres target is no member of the cluster of Patroni.',
    remedy:
      'Add a postgres target (and a patroni target) for the member named, or take out the target that is no member.',
  },
} as const satisfies Record<string, ReasonSpec>
export const clusterReason = reasonsOf(clusterReasons)
