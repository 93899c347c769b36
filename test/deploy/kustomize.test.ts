import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { have, needs } from '../servers/processes.ts'
import { expectConnected, expectHardened, expectReadable } from './coherent.ts'
import { only, refused, rendered, type Manifest } from './manifests.ts'

const folder = fileURLToPath(new URL('../../deploy/kustomize/', import.meta.url))
const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

const kubectl = have('kubectl')
const kubectlInstall = 'https://kubernetes.io/docs/tasks/tools, 1.21 or newer: the one of Debian 12 is too old'

const render = (what: string): Promise<Manifest[]> => rendered(kubectl ?? '', ['kustomize', what])

describe.skipIf(!needs('kubectl', kubectl, kubectlInstall))('the kustomization', () => {
  let all: readonly Manifest[] = []
  beforeAll(async () => {
    all = await render(folder)
  })

  it('would be taken by an API server', { timeout: 120_000 }, async () => {
    expect(await refused(all)).toEqual([])
  })

  it('is hardened', () => expectHardened(all))
  it('has parts that find one another', () => expectConnected(all))
  it('may read what it needs, and nothing else', () => expectReadable(all))

  it('runs the version of the exporter', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    expect(JSON.stringify(only(all, 'Deployment'))).toContain(`"image":"mailpath-exporter:${version}"`)
  })

  it('is all in one namespace, that of the Secret', () => {
    expect(new Set(all.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['app']))
  })

  it('moves as a whole with the namespace of an overlay', async () => {
    // Within the repository: kustomize leads to no folder outside of the root of a base.
    const overlay = await mkdtemp(path.join(folder, '../overlay-'))
    onTestFinished(() => rm(overlay, { recursive: true }))
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: 'mail',
      resources: ['../kustomize'],
    }
    await writeFile(path.join(overlay, 'kustomization.yaml'), stringify(kustomization))
    const moved = await render(overlay)
    expect(new Set(moved.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['mail']))
    expect(moved).toHaveLength(all.length)
    expectReadable(moved)
  })

  it('has the rules, word for word', () => {
    expect(only(all, 'PrometheusRule')).toMatchObject({ spec: parse(read('alerts/mailpath.rules.yml')) as object })
  })

  it('has every dashboard, for the sidecar', () => {
    const dashboards = all.filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1')
    const files = dashboards.flatMap(({ data }) => Object.entries(data as Readonly<Record<string, string>>))
    expect(files).toHaveLength(5)
    for (const [file, text] of files) expect(text).toBe(read(`grafana/dashboards/${file}`))
  })

  it('needs no operator for the exporter alone', async () => {
    const alone = await render(`${folder}/exporter`)
    expect(alone.filter(({ apiVersion }) => apiVersion.includes('monitoring.coreos.com'))).toEqual([])
    expect(all).toEqual(expect.arrayContaining(alone))
  })
})

describe('what an API server would refuse', () => {
  const deployment = (container: object): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a' },
    spec: { selector: { matchLabels: { a: 'b' } }, template: { spec: { containers: [{ name: 'a', ...container }] } } },
  })

  it('is told', { timeout: 120_000 }, async () => {
    const [schema, type, long, ...more] = await refused([
      deployment({ ports: [{ containerPort: '80' }] }),
      deployment({ imagee: 'a' }),
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: 'a'.repeat(262_144) } },
    ])
    expect(schema).toContain('containerPort must be integer')
    expect(type).toContain("not assignable to type 'number'")
    expect([long, ...more].join('\n')).toMatch(/imagee[^]*ConfigMap a: too long$/)
  })
})
