import { finding, reasonsOf, type Looked, type Observation, type Reason, type ReasonSpec } from './probe.ts'
import { exporterKind, resources, type Resource, type Want } from './want.ts'

/** The reason of a check that could not look because the exporter itself lacked something. */
export const starvedReason = {
  verdict: 'unknown',
  severity: 'high',
  meaning:
    'The exporter, or the host it runs on, was short of something: file descriptors, local ports, memory, CPU, or a way out to the network. So nothing was looked at, and no target is to blame.',
  remedy: 'Give the exporter what it is short of: the head of the status page, `check` and the log say what that is.',
} as const satisfies ReasonSpec
export const exporterReason = reasonsOf({ exporter_starved: starvedReason })

/** What is lacking, in words that follow "short of". */
export const wanting: Readonly<Record<Resource, string>> = {
  file_descriptors: 'file descriptors',
  ports: 'local ports',
  memory: 'memory',
  cpu: 'CPU',
  network: 'a way out to the network',
}

/** What to do about it, and how to see it. */
export const remedies: Readonly<Record<Resource, string>> = {
  file_descriptors:
    'Raise the limit of the exporter (systemd: LimitNOFILE=, docker: --ulimit nofile=), and see who holds its connections: ss -tnp. ENFILE is the limit of the whole host: sysctl fs.file-max.',
  ports:
    "Find what holds the local ports of this host: ss -tan | awk '{print $5}' | sort | uniq -c | sort -n | tail. Then end it, or widen sysctl net.ipv4.ip_local_port_range.",
  memory:
    'Give the exporter more memory (container: its limit; systemd: MemoryMax=), or free some on this host: free -m.',
  cpu: 'Give the exporter more CPU (container: its CPU limit; systemd: CPUQuota=), or find what takes it on this host: top.',
  network:
    'Look at the network of this host: ip address; ip route get ADDRESS. EPERM and EACCES are a rule of its own: a firewall, SELinux, or RestrictAddressFamilies= and IPAddressDeny= of systemd.',
}

/** One for each resource, in the order of the closed list. */
const distinct = (wants: readonly Want[]): readonly Want[] =>
  resources.flatMap(resource => wants.find(want => want.resource === resource) ?? [])

/** The reason of one check. The remedy is said once, at the head of each output. */
export const notLookedAt = (want: Want): Reason => ({
  ...exporterReason(
    'exporter_starved',
    `not looked at: the exporter is short of ${wanting[want.resource]} (${want.code})`,
    `See the exporter itself, at the head: it is short of ${wanting[want.resource]}.`,
  ),
  because: `${exporterKind}/${want.resource}`,
  want,
})

/** A failure for lack of something of our own, and the words that a reason has of it. */
export interface Lack {
  readonly want: Want
  readonly text: string
}

/**
 * What a look found, without what it holds against its target only because the exporter lacked something. What an
 * answer proved stays: a write that was refused before the descriptors were used up was refused.
 */
export function withoutOurs({ seen, finding: found }: Looked, lacks: readonly Lack[]): Looked {
  const isBad = ({ verdict }: Pick<Reason, 'verdict'>): boolean => verdict !== 'warn'
  const says = ({ text }: Reason): boolean => lacks.some(lack => text.includes(lack.text))
  const said = found.reasons.filter(says)
  // A probe may use other words for it. Then no bad reason of this run counts.
  const ours = new Set(said.length > 0 ? said : found.reasons.filter(isBad))
  if (lacks.length === 0 || ours.size === 0) return { seen, finding: found }
  const rest = found.reasons.filter(reason => !ours.has(reason))
  const reasons = [...distinct(lacks.map(({ want }) => want)).map(notLookedAt), ...rest]
  const proven = rest.some(({ verdict }) => verdict === 'fail')
  if (!proven) return { seen: undefined, finding: finding('', reasons, []) }
  return { seen, finding: finding('', reasons, found.samples, found.certificate) }
}

/** The same run as no evidence: it was stopped, or had too little CPU, each time it looked. */
export const withoutCpu = <T extends Observation>(ran: T): T => {
  const reason = notLookedAt({ resource: 'cpu', code: 'no CPU in time' })
  return { ...ran, ...finding('', [reason], []), seen: undefined }
}
