import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule'
import { cp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { chartFolder, helm, relay, template, templateOf, yamlInChart } from './chart.ts'
import { expectConnected, expectReadable } from './coherent.ts'
import { only, type Manifest } from './manifests.ts'

const folderOf = async (files: Readonly<Record<string, unknown>>): Promise<string> => {
  const folder = tempFolder('mailpath-chart-')
  onTestFinished(() => removeFolder(folder))
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(folder, file), stringify(content))
  return folder
}
const withValues = async (values: object): Promise<Manifest[]> => {
  const folder = await folderOf({ 'values.yaml': values })
  return template(`--values=${folder}/values.yaml`)
}
const smtp = { smtp: [{ name: 'relay', host: 'mail.example.com' }] }

type Rule = NonNullable<IPrometheusRule['spec']['groups']>[number]['rules'] extends (infer One)[] | undefined
  ? One
  : never
const rulesIn = (manifests: readonly Manifest[]): Rule[] =>
  (only<IPrometheusRule>(manifests, 'PrometheusRule').spec.groups ?? []).flatMap(({ rules = [] }) => rules)

describe.skipIf(helm === undefined)('the chart, as users of charts expect it', () => {
  it('leaves single alerts out, and labels single ones and all of them', async () => {
    const prometheusRule = { enabled: true }
    const all = rulesIn(await withValues({ config: smtp, prometheusRule }))
    const alerts = {
      drop: ['MailDegraded'],
      labels: { MailCannotBeSent: { severity: 'emergency', tier: 'one' } },
      additionalLabels: { team: 'mail', tier: 'all' },
    }
    const some = rulesIn(await withValues({ config: smtp, prometheusRule, alerts }))
    const expected = all
      .filter(rule => rule.alert !== 'MailDegraded')
      .map(rule => {
        if (rule.alert === undefined) return rule
        const own = rule.alert === 'MailCannotBeSent' ? { severity: 'emergency', tier: 'one' } : {}
        return { ...rule, labels: { ...rule.labels, team: 'mail', tier: 'all', ...own } }
      })
    expect(some).toEqual(expected)
    expect(some).toHaveLength(all.length - 1)
  })

  it('belongs to a chart that switches it on, and that knows only then what the Secret is called', async () => {
    const parent = await folderOf({
      'Chart.yaml': {
        apiVersion: 'v2',
        name: 'platform',
        version: '1.0.0',
        dependencies: [
          { name: 'mailpath-exporter', version: '>=0', repository: '', condition: 'mailpath-exporter.enabled' },
        ],
      },
      'values.yaml': {
        global: { imageRegistry: 'mirror.example.com', storageClass: 'fast' },
        'mailpath-exporter': {
          enabled: true,
          config: {
            ...smtp,
            write_path: [
              {
                name: 'DATABASE_URL',
                cluster: 'app',
                url: { kubernetes: { secret: '{{ .Release.Name }}-db', key: 'DATABASE_URL' } },
              },
            ],
            dns: [{ name: 'of the release', domain: '{{ .Release.Name }}@example.com' }],
          },
          rbac: { secrets: [{ name: '{{ .Release.Name }}-db' }] },
          secretMounts: [{ name: '{{ .Release.Name }}-smtp', mountAs: 'smtp' }],
        },
      },
    })
    await cp(chartFolder, path.join(parent, 'charts/mailpath-exporter'), { recursive: true })
    const made = await templateOf(parent)
    expectConnected(made)
    expectReadable(made)
    expect(only(made, 'Role')).toMatchObject({ rules: [{ resourceNames: ['mine-db'] }] })
    const pod = JSON.stringify(only(made, 'Deployment'))
    expect(pod).toContain('"image":"mirror.example.com/mailpath-exporter:')
    expect(pod).toContain('"secretName":"mine-smtp"')
    const { data } = only<{ data: Readonly<Record<string, string>> }>(made, 'ConfigMap')
    expect(data['mailpath.yml']).toMatch(/domain: '?mine@example.com/)
    expect(await templateOf(parent, '--set=mailpath-exporter.enabled=false')).toEqual([])
  })

  it('needs none of its sections', async () => {
    const needed = ['config', 'image', 'service', 'serviceAccount', 'replicas']
    const none = Object.keys(yamlInChart('values.yaml')).filter(key => !needed.includes(key))
    const kinds = (await template(...relay, ...none.map(key => `--set=${key}=null`))).map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(['ConfigMap', 'Deployment', 'Pod', 'Service', 'ServiceAccount'])
  })

  it.each([
    'image',
    'image.repository',
    'service',
    'service.port',
    'serviceAccount',
    'serviceAccount.create',
    'persistence.accessModes',
    'prometheusRule.grafanaUrl',
    'prometheusRule.runbookUrl',
  ])('names %s if it is taken away', async key => {
    const missing = template(
      ...relay,
      '--set=persistence.enabled=true,prometheusRule.enabled=true',
      `--set=${key}=null`,
    )
    await expect(missing).rejects.toThrow(`missing property '${key.replace(/.*\./, '')}'`)
  })

  it('moves as a whole to another namespace', async () => {
    const values = ['ci/everything-values.yaml', 'ci/minimal-values.yaml'].map(file => `--values=${chartFolder}${file}`)
    const sections = ['serviceMonitor', 'prometheusRule', 'dashboards'].map(key => `--set=${key}.namespace=`)
    const made = await template(...values, ...sections, '--set=namespaceOverride=mail,rbac.secrets[0].namespace=')
    const own = made.filter(({ metadata }) => !['mine-more', 'mine-text'].includes(metadata.name))
    expect(new Set(own.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['mail']))
    expectConnected(own)
  })

  it('lets browsers ask by the names of the ingress and of the route', async () => {
    const made = await withValues({
      config: smtp,
      ingress: { enabled: true, hosts: ['mail.{{ .Release.Namespace }}.example.com'] },
      httpRoute: { enabled: true, parentRefs: [{ name: 'web' }], hostnames: ['mail.example.org'] },
    })
    const { containers } = only<IDeployment>(made, 'Deployment').spec?.template.spec ?? { containers: [] }
    expect(containers[0]?.args?.filter(one => one.startsWith('--web.allowed-host'))).toEqual([
      '--web.allowed-host=mail.app.example.com',
      '--web.allowed-host=mail.example.org',
    ])
    const [rule] = only<IIngress>(made, 'Ingress').spec?.rules ?? []
    expect(rule).toMatchObject({
      host: 'mail.app.example.com',
      http: {
        paths: [{ path: '/', backend: { service: { name: 'mine-mailpath-exporter', port: { name: 'http' } } } }],
      },
    })
    expect(only(made, 'HTTPRoute')).toMatchObject({
      spec: { rules: [{ backendRefs: [{ name: 'mine-mailpath-exporter', port: 10587 }] }] },
    })
  })

  it.each([
    ['https://example.com/mail/', '', '/mail', '/mail'],
    ['https://example.com/mail', '/', '', '/mail'],
    ['https://example.com', '', '', '/'],
    ['', '/of/mail', '/of/mail', '/of/mail'],
  ])('asks for everything where it is: %s, %s', async (externalUrl, routePrefix, prefix, ofBrowsers) => {
    const made = await withValues({
      config: smtp,
      web: { externalUrl, routePrefix },
      ingress: { enabled: true, hosts: ['example.com'] },
      httpRoute: { enabled: true, parentRefs: [{ name: 'web' }] },
      serviceMonitor: { enabled: true },
    })
    // The probes have the prefix that the flags give.
    expectConnected(made)
    const of = (kind: string) => JSON.stringify(only(made, kind))
    expect(of('ServiceMonitor')).toContain(`"path":"${prefix}/metrics"`)
    expect(of('Ingress')).toContain(`"path":"${ofBrowsers}"`)
    expect(of('HTTPRoute')).toContain(`"value":"${ofBrowsers}"`)
    expect(of('Pod')).toContain(`"http://mine-mailpath-exporter.app.svc:10587${prefix}"`)
  })

  it('remembers over a new pod if it has a volume, of its own or of others', async () => {
    const volume = async (persistence: object) => {
      const made = await withValues({ config: smtp, persistence })
      const { strategy, template } = only<IDeployment>(made, 'Deployment').spec ?? {}
      const claims = made.filter(({ kind }) => kind === 'PersistentVolumeClaim').map(({ metadata }) => metadata.name)
      const { name: _, ...state } = template?.spec?.volumes?.find(({ name }) => name === 'state') ?? { name: '' }
      return { surge: strategy?.rollingUpdate?.maxSurge, claims, state }
    }
    const claim = (claimName: string) => ({ persistentVolumeClaim: { claimName } })
    const own = 'mine-mailpath-exporter'
    expect(await volume({})).toEqual({ surge: undefined, claims: [], state: { emptyDir: { sizeLimit: '64Mi' } } })
    expect(await volume({ enabled: true })).toEqual({ surge: 0, claims: [own], state: claim(own) })
    expect(await volume({ enabled: true, existingClaim: '{{ .Release.Name }}-theirs' })).toEqual({
      surge: 0,
      claims: [],
      state: claim('mine-theirs'),
    })
  })

  it('is scraped as pods, with the labels that win', async () => {
    const made = await withValues({
      config: smtp,
      serviceMonitor: { enabled: true, kind: 'PodMonitor', honorLabels: true },
    })
    expect(only(made, 'PodMonitor')).toMatchObject({
      spec: { podMetricsEndpoints: [{ port: 'http', honorLabels: true, relabelings: [{ targetLabel: 'job' }] }] },
    })
  })
})
