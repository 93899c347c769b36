/** What the values of the chart may be. Helm checks it at every install: an unknown key is an error. */
import { z } from 'zod'
import { configSchema, type JsonSchema } from '../docs/generate/config-schema.ts'

const text = z.string()
const duration = z.string().regex(/^(\d+(ms|[smhd]))*$/)
const texts = z.record(z.string(), text)
/** Fields of Kubernetes, which it checks itself. */
const anything = z.looseObject({})
const list = z.array(anything)
const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape).partial()
/** Keys that the chart cannot do without. `null` takes their default away, and then Helm names what is missing. */
const needing = <Key extends string, Shape extends Readonly<Record<Key, z.ZodType>>>(
  keys: readonly Key[],
  shape: Shape,
) =>
  z.strictObject(
    Object.fromEntries(
      Object.entries<z.ZodType>(shape).map(([name, type]) => [
        name,
        keys.some(key => key === name) ? type : type.optional(),
      ]),
    ),
  )
/** An object of its own, that is made on demand. */
const extra = { enabled: z.boolean(), namespace: text, labels: texts }

const values = needing(['image', 'serviceAccount', 'service'], {
  existingConfigMap: text,
  secretMounts: z.array(z.strictObject({ name: text, mountAs: text.optional() })),
  rbac: section({ secrets: z.array(z.strictObject({ name: text.min(1), namespace: text.optional() })) }),
  image: needing(['repository'], {
    registry: text,
    repository: text.min(1),
    tag: text,
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: list,
  nameOverride: text,
  fullnameOverride: text,
  namespaceOverride: text,
  commonLabels: texts,
  replicas: z.int().min(0),
  strategy: anything,
  persistence: needing(['accessModes', 'size'], {
    enabled: z.boolean(),
    existingClaim: text,
    storageClass: text,
    accessModes: z.array(text),
    size: text,
    annotations: texts,
  }),
  web: section({
    externalUrl: z.string().regex(/^$|^https?:\/\/|\{\{.*\}\}/),
    routePrefix: z.string().regex(/^$|^\//),
  }),
  extraArgs: z.array(text),
  extraEnv: list,
  extraEnvFrom: list,
  extraVolumes: list,
  extraVolumeMounts: list,
  initContainers: list,
  extraContainers: list,
  serviceAccount: needing(['create'], {
    create: z.boolean(),
    name: text,
    annotations: texts,
    automountToken: z.boolean(),
  }),
  deploymentAnnotations: texts,
  podAnnotations: texts,
  podLabels: texts,
  podSecurityContext: anything,
  securityContext: anything,
  resources: anything,
  startupProbe: anything,
  livenessProbe: anything,
  readinessProbe: anything,
  hostAliases: list,
  dnsPolicy: z.enum(['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
  dnsConfig: anything,
  priorityClassName: text,
  nodeSelector: texts,
  tolerations: list,
  affinity: anything,
  topologySpreadConstraints: list,
  service: needing(['type', 'port'], {
    type: text,
    port: z.int().min(1).max(65535),
    annotations: texts,
    labels: texts,
  }),
  ingress: section({
    enabled: z.boolean(),
    className: text,
    annotations: texts,
    labels: texts,
    hosts: z.array(text.min(1)),
    tls: list,
  }),
  httpRoute: section({
    enabled: z.boolean(),
    annotations: texts,
    labels: texts,
    parentRefs: list,
    hostnames: z.array(text.min(1)),
    filters: list,
  }),
  serviceMonitor: section({
    ...extra,
    kind: z.enum(['ServiceMonitor', 'PodMonitor']),
    interval: duration,
    scrapeTimeout: duration,
    scheme: z.enum(['', 'http', 'https']),
    tlsConfig: anything,
    basicAuth: anything,
    honorLabels: z.boolean(),
    relabelings: list,
    metricRelabelings: list,
  }),
  prometheusRule: needing(['grafanaUrl', 'runbookUrl'], { ...extra, grafanaUrl: text, runbookUrl: text }),
  alerts: section({
    drop: z.array(text),
    labels: z.record(z.string(), texts),
    additionalLabels: texts,
  }),
  dashboards: section({ ...extra, annotations: texts }),
  networkPolicy: section({ enabled: z.boolean(), from: list, egress: list }),
  podDisruptionBudget: section({
    enabled: z.boolean(),
    minAvailable: z.union([z.int(), text]),
    maxUnavailable: z.union([z.int(), text]),
  }),
  extraManifests: z.array(z.union([text, anything])),
  // What a chart that depends on this one gives it, also for others: by Helm, and for `condition: mailpath-exporter.enabled`.
  global: z.looseObject({ imageRegistry: text, imagePullSecrets: list }).partial(),
  enabled: z.boolean(),
})

/** The JSON Schema of `values.yaml`, with that of the exporter's own configuration in it. */
export function valuesSchema(): JsonSchema {
  const { properties, ...schema } = z.toJSONSchema(values, { target: 'draft-7' }) as JsonSchema
  const { $schema: _, definitions, ...config } = forGo(configSchema())
  return { ...schema, properties: { config, ...properties }, ...(definitions && { definitions }) }
}

/** In a template anything goes: Helm carries it out after it has looked at the schema. */
const orTemplate = (pattern: string): string => String.raw`\{\{.*\}\}|` + pattern

/** Helm is written in Go, whose patterns have no \u and no lookahead. What then passes here, the exporter refuses. */
const forGo = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key !== 'pattern' || typeof value !== 'string') return value
    if (value.includes('(?!')) return undefined
    return orTemplate(
      value.replace(/\\u([\da-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    )
  }) as JsonSchema
