/** What no schema says of the manifests of the exporter: that its parts fit one another. */
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import type { IRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role'
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding'
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap'
import type { IService } from 'kubernetes-models/v1/Service'
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import path from 'node:path'
import { expect } from 'vitest'
import { parse } from 'yaml'
import { parseCommand } from '../../src/cli/parse.ts'
import { parseConfig } from '../../src/config/load.ts'
import { only, type Manifest } from './manifests.ts'

const ofKind = <Kind>(manifests: readonly Manifest[], kind: string): Kind[] =>
  manifests.filter(one => one.kind === kind) as unknown as Kind[]

/** The pod: its labels, its container, and what is mounted where, by the name of the ConfigMap or Secret. */
function podOf(manifests: readonly Manifest[]) {
  const { metadata, spec } = only<IDeployment>(manifests, 'Deployment')
  const pod = spec?.template.spec
  const container = pod?.containers.find(({ name }) => name === 'mailpath-exporter')
  if (spec === undefined || pod === undefined || container === undefined)
    throw new Error('the Deployment has no container of the exporter')
  const mounts = (container.volumeMounts ?? []).map(mount => ({
    ...mount,
    volume: pod.volumes?.find(({ name }) => name === mount.name),
  }))
  return { namespace: metadata?.namespace, labels: spec.template.metadata?.labels ?? {}, spec, pod, container, mounts }
}

export function expectHardened(manifests: readonly Manifest[]): void {
  const { pod, container } = podOf(manifests)
  // The user of the image is 1000:1000.
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  })
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  for (const bounds of [container.resources?.requests, container.resources?.limits])
    expect(Object.keys(bounds ?? {}).sort()).toEqual(['cpu', 'memory'])
  for (const host of ['hostNetwork', 'hostPID', 'hostIPC'] as const) expect(pod[host]).toBeUndefined()
}

/** Whoever selects, selects the pod or the Service; whoever names a port, names one that is there. */
export function expectConnected(manifests: readonly Manifest[]): void {
  const { namespace, labels, spec, container } = podOf(manifests)
  const service = only<IService>(manifests, 'Service')
  const policies = ofKind<INetworkPolicy>(manifests, 'NetworkPolicy')
  const selectors = [
    spec.selector.matchLabels,
    service.spec?.selector,
    ...policies.map(policy => policy.spec?.podSelector?.matchLabels),
    ...ofKind<IPodDisruptionBudget>(manifests, 'PodDisruptionBudget').map(one => one.spec?.selector?.matchLabels),
  ]
  for (const selector of selectors) {
    expect(Object.keys(selector ?? {})).not.toEqual([])
    expect(labels).toMatchObject(selector ?? {})
  }

  const { listen, routePrefix } = parseCommand(container.args ?? [])
  const [listening] = listen
  const below = routePrefix.replace(/\/$/, '')
  expect(container.ports).toEqual([{ name: 'http', containerPort: listening && 'port' in listening && listening.port }])
  expect(service.spec?.ports?.map(({ name, targetPort }) => [name, targetPort])).toEqual([['http', 'http']])
  for (const policy of policies)
    expect(policy.spec?.ingress?.flatMap(({ ports = [] }) => ports)).toEqual([{ protocol: 'TCP', port: 'http' }])
  expect(container.livenessProbe?.httpGet).toEqual({ path: `${below}/-/healthy`, port: 'http' })
  expect(container.readinessProbe?.httpGet).toEqual({ path: `${below}/-/ready`, port: 'http' })

  for (const { metadata, spec: monitor } of ofKind<IServiceMonitor>(manifests, 'ServiceMonitor')) {
    expect(Object.keys(monitor.selector.matchLabels ?? {})).not.toEqual([])
    expect(service.metadata?.labels).toMatchObject(monitor.selector.matchLabels ?? {})
    const looksAt = monitor.namespaceSelector?.matchNames ?? [metadata?.namespace]
    expect(looksAt).toEqual([namespace])
    expect(monitor.endpoints).toMatchObject([
      {
        port: 'http',
        ...(below !== '' && { path: `${below}/metrics` }),
        relabelings: expect.arrayContaining([{ targetLabel: 'job', replacement: 'mailpath' }]) as unknown,
      },
    ])
  }
}

/** Every reference in a configuration, wherever it stands. */
const referencesIn = (value: unknown): Readonly<Record<string, unknown>>[] =>
  value === null || typeof value !== 'object'
    ? []
    : [
        ...('file' in value || 'kubernetes' in value ? [value as Readonly<Record<string, unknown>>] : []),
        ...Object.values(value).flatMap(referencesIn),
      ]

/** The exporter finds its configuration, which is good, may keep what it remembers, and may read all that it refers to, and nothing else. */
export function expectReadable(manifests: readonly Manifest[]): void {
  const { namespace = '', pod, container, mounts } = podOf(manifests)
  const { command, configFile, autoReloadMs, stateFile = '' } = parseCommand(container.args ?? [])
  expect(command).toBe('serve')
  expect(autoReloadMs).toBeGreaterThan(0)
  // By subPath a file would never be brought up to date.
  for (const mount of mounts) expect(mount).not.toHaveProperty('subPath')

  // The file system of the container is read-only.
  const { volume: state, readOnly } = mounts.find(({ mountPath }) => mountPath === path.dirname(stateFile)) ?? {}
  expect(state?.emptyDir ?? state?.persistentVolumeClaim).toBeDefined()
  expect(readOnly).toBeUndefined()

  const { volume } = mounts.find(({ mountPath }) => mountPath === path.dirname(configFile)) ?? {}
  const name = volume?.configMap?.name
  expect(name).toBeDefined()
  const file = ofKind<IConfigMap>(manifests, 'ConfigMap').find(({ metadata }) => metadata?.name === name)
  // One that is there already is not ours.
  const text = file === undefined ? 'smtp: [{ name: relay, host: mail.example.com }]' : file.data?.['mailpath.yml']
  expect(parseConfig(text ?? '', 'mailpath.yml').checks.length).toBeGreaterThan(0)

  const references = referencesIn(parse(text ?? ''))
  const secretFolders = mounts.flatMap(({ mountPath, volume }) => (volume?.secret ? [mountPath] : []))
  for (const { file } of references) if (typeof file === 'string') expect(secretFolders).toContain(path.dirname(file))

  const account = pod.serviceAccountName
  const granted = ofKind<IRole>(manifests, 'Role').map(({ metadata, rules }) => {
    expect(rules).toMatchObject([{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }])
    expect(rules?.[0]?.resourceNames).toHaveLength(1)
    const own = ['Role', metadata?.name, metadata?.name, metadata?.namespace].join(' ')
    const bindings = ofKind<IRoleBinding>(manifests, 'RoleBinding').filter(
      ({ metadata: to, roleRef }) => [roleRef.kind, roleRef.name, to?.name, to?.namespace].join(' ') === own,
    )
    expect(bindings.map(({ subjects }) => subjects)).toEqual([[{ kind: 'ServiceAccount', name: account, namespace }]])
    return `${metadata?.namespace ?? ''}/${rules?.[0]?.resourceNames?.[0] ?? ''}`
  })
  const needed = references.flatMap(({ kubernetes }) => {
    const { namespace: of = namespace, secret } = (kubernetes ?? {}) as { namespace?: string; secret?: string }
    return secret === undefined ? [] : [`${of}/${secret}`]
  })
  for (const secret of needed) expect(granted).toContain(secret)
  expect(pod.automountServiceAccountToken).toBe(granted.length > 0)
}
