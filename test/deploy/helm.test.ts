import { readFileSync, readdirSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { valuesSchema } from '../../deploy/values-schema.ts'
import type { JsonSchema } from '../../docs/generate/config-schema.ts'
import { runProcess } from '../servers/processes.ts'
import {
  chart,
  chartFolder as folder,
  helm,
  isOfTest,
  notesOf,
  readInChart as read,
  relay,
  template,
  templates,
  yamlInChart as yaml,
} from './chart.ts'
import { expectConnected, expectHardened, expectReadable } from './coherent.ts'
import { only, refused, type Manifest } from './manifests.ts'

/** The keys that only the schema has, or only the value, wherever the schema is strict. */
function onOneSideOnly({ additionalProperties, properties = {} }: JsonSchema, value: object, at = ''): string[] {
  if (additionalProperties !== false) return []
  const below = new Map<string, unknown>(Object.entries(value))
  return [...new Set([...Object.keys(properties), ...below.keys()])].flatMap(key => {
    const [schema, found] = [properties[key], below.get(key)]
    if (schema === undefined || found === undefined) return [`${at}.${key}`]
    return onOneSideOnly(schema, found as object, `${at}.${key}`)
  })
}

describe('the chart', () => {
  it('has the version of the exporter', () => {
    const { version } = JSON.parse(read('../../../package.json')) as { version: string }
    expect(yaml('Chart.yaml')).toMatchObject({ version, appVersion: version })
  })

  it('has a schema for every value, and a value for every key of the schema', () => {
    const { config: _, global: ____, ...values } = yaml('values.yaml')
    const { config: __, global: ___, enabled: _____, ...properties } = valuesSchema().properties ?? {}
    expect(onOneSideOnly({ ...valuesSchema(), properties }, values)).toEqual([])
  })

  it('reads every value in some template', () => {
    const files = [...templates, '_helpers.tpl', '_rules.tpl']
    const text = files.map(file => read(`templates/${file}`)).join('\n')
    const unread = Object.keys(yaml('values.yaml')).filter(key => !new RegExp(`\\.Values\\.${key}\\b`).test(text))
    expect(unread).toEqual([])
  })
})

const ci = readdirSync(new URL('ci', chart))

describe.skipIf(helm === undefined)('the chart, by helm', () => {
  const all = new Map<string, readonly Manifest[]>()
  const of = (file: string): readonly Manifest[] => all.get(file) ?? []
  beforeAll(async () => {
    for (const file of ci) all.set(file, await template(`--values=${folder}/ci/${file}`))
  })

  it('would be taken by an API server', { timeout: 120_000 }, async () => {
    expect(await refused([...all.values()].flat())).toEqual([])
  })

  describe.each(ci)('with %s', file => {
    it('passes the lint', async () => {
      await runProcess(helm ?? '', ['lint', '--strict', folder, `--values=${folder}/ci/${file}`])
    })
    it('is hardened', () => expectHardened(of(file)))
    it('has parts that find one another', () => expectConnected(of(file)))
    it('may read what it needs, and nothing else', () => expectReadable(of(file)))
  })

  it('makes every object it can', () => {
    const kinds = new Set([...all.values()].flat().map(({ kind }) => kind.toLowerCase()))
    const named = templates.map(file => file.replace('.yaml', ''))
    expect(named.filter(name => !kinds.has(name))).toEqual(['dashboards', 'extra-manifests'])
  })

  it('leaves the templates of the rules to Prometheus, and leads to the Grafana given', async () => {
    const expected = readFileSync(new URL('../../../alerts/mailpath.rules.yml', chart), 'utf8').replaceAll(
      'https://grafana.example.com',
      'https://grafana.internal',
    )
    expect(expected).toContain('{{ $labels.mail_path }}')
    const made = await template(
      ...relay,
      '--set=prometheusRule.enabled=true,prometheusRule.grafanaUrl=https://grafana.internal/',
    )
    expect(only(made, 'PrometheusRule')).toMatchObject({ spec: parse(expected) as object })
  })

  it('has every dashboard, for the sidecar', () => {
    const dashboards = of('everything-values.yaml').filter(
      ({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1' && metadata.namespace === 'monitoring',
    )
    const files = dashboards.flatMap(({ data }) => Object.entries(data as Readonly<Record<string, string>>))
    expect(files.map(([file]) => file).sort()).toEqual(readdirSync(new URL('dashboards', chart)).sort())
    for (const [file, text] of files) expect(JSON.parse(text)).toEqual(JSON.parse(read(`dashboards/${file}`)))
  })

  it.each([
    ['nothing to look at', [], 'Say what to look at: set `config`'],
    ['a value that there is not', ['--set=replica=2'], 'replica'],
    ['an unknown key in the configuration', ['--set=config.smpt=x'], 'smpt'],
    ['a secret written out', ['--set=config.smtp[0].password=hunter2'], '/config/smtp/0/password'],
    [
      'a reference to a Secret that it may not read',
      [
        ...relay,
        '--set=config.smtp[0].password.kubernetes.secret=smtp',
        '--set=config.smtp[0].password.kubernetes.key=P',
      ],
      'give rbac.secrets the Secrets app/smtp',
    ],
    [
      'a login at a Vault by a token that is not mounted',
      ['--set=config.vault[0].name=v,config.vault[0].url=https://v:8200,config.vault[0].kubernetes.role=mailpath'],
      'The Vault v is logged in to by Kubernetes',
    ],
    [
      'an alert to drop that there is not',
      [...relay, '--set=prometheusRule.enabled=true,alerts.drop[0]=MailGone'],
      'MailGone',
    ],
    ['an ingress for every name', [...relay, '--set=ingress.enabled=true'], 'ingress.hosts'],
    [
      'a volume of two replicas',
      [...relay, '--set=persistence.enabled=true,replicas=2'],
      'each replica has to remember for itself',
    ],
    ['an external URL that is none', [...relay, '--set=web.externalUrl=example.com/mail'], 'externalUrl'],
    ['a route without a gateway', [...relay, '--set=httpRoute.enabled=true'], 'httpRoute.parentRefs'],
    [
      'to let every pod of the namespace read the Secrets',
      [...relay, '--set=serviceAccount.create=false', '--set=rbac.secrets[0].name=smtp'],
      'Set serviceAccount.name',
    ],
  ])('refuses %s', async (_, args, complaint) => {
    await expect(template(...args)).rejects.toThrow(complaint)
  })

  it('names in its notes the Secrets for which somebody else has to bind a role', async () => {
    const reads = ['kubernetes.secret=smtp', 'kubernetes.key=P'].map(key => `--set=config.smtp[0].password.${key}`)
    const mounted = [...relay, ...reads, '--set=serviceAccount.automountToken=true']
    expect(await notesOf(...mounted)).toContain('unless you bind a role to its service account yourself: app/smtp.')
    expect(await notesOf(...mounted, '--set=rbac.secrets[0].name=smtp')).not.toContain('bind a role')
    expect(await notesOf('--set=existingConfigMap=mine')).toContain('If it reads from Kubernetes, give the Secrets')
    expect(await notesOf(...relay)).not.toContain('ConfigMap of your own')
  })

  it('binds the roles to the account named', async () => {
    const named = [
      '--set=serviceAccount.create=false',
      '--set=serviceAccount.name=mine',
      '--set=rbac.secrets[0].name=a',
    ]
    const made = await template(...relay, ...named)
    expect(only(made, 'RoleBinding')).toMatchObject({ subjects: [{ name: 'mine', namespace: 'app' }] })
    expect(made.filter(({ kind }) => kind === 'ServiceAccount')).toEqual([])
  })

  it('makes one role of two entries of one name, and none of none', async () => {
    const twice = [
      '--set=rbac.secrets[0].name=a',
      '--set=rbac.secrets[1].name=a',
      '--set=rbac.secrets[1].namespace=app',
    ]
    expect((await template(...relay, ...twice)).filter(({ kind }) => kind === 'Role')).toHaveLength(1)
    expect((await template(...relay, '--set=rbac.secrets=null')).map(({ kind }) => kind)).toContain('Deployment')
    expect((await template(...relay, '--set=rbac=null')).map(({ kind }) => kind)).toContain('Deployment')
  })

  it('lets no client in if none is named', async () => {
    const none = ['--set=networkPolicy.enabled=true', '--set-json=networkPolicy.from=[]']
    expect(
      only(
        (await template(...relay, ...none)).filter(one => !isOfTest(one)),
        'NetworkPolicy',
      ),
    ).toMatchObject({ spec: { ingress: [] } })
  })
})
