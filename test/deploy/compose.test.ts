import { existsSync, readFileSync, statSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseCommand } from '../../src/cli/parse.ts'
import { loadConfig } from '../../src/config/load.ts'
import { alertmanagerInstall, amtoolBinary } from '../servers/alertmanager.ts'
import { haproxyBinary, haproxyInstall } from '../servers/haproxy.ts'
import { have, needs, removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { prometheusInstall } from '../servers/prometheus.ts'
import { compose, deployFolder, mounted, mountsOf, serviceOf } from './compose-file.ts'

const services = Object.entries(compose.services)
const exporter = serviceOf('mailpath-exporter')
const { command, configFile, autoReloadMs, stateFile } = parseCommand(exporter.command ?? [])
/** The text of a file, by its path in the container. */
const textIn = (service: string, file: string): string => readFileSync(mounted(serviceOf(service), file) ?? '', 'utf8')

describe('the compose file', () => {
  it.each(services)('%s: mounts what is there, names an image, and is for this machine only', (_, service) => {
    for (const { source, target, readOnly } of mountsOf(service)) {
      if (path.isAbsolute(source)) expect(existsSync(source), source).toBe(true)
      else expect(Object.keys(compose.volumes)).toContain(source)
      expect(path.isAbsolute(target)).toBe(true)
      expect(readOnly || !path.isAbsolute(source), `${target} could be written`).toBe(true)
    }
    if (service.build !== undefined) expect(existsSync(path.join(deployFolder, service.build, 'Dockerfile'))).toBe(true)
    else expect(service.image).toMatch(/^[a-z/-]+:v?\d+[.\d]*$/)
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {}))
      if (condition === 'service_healthy') expect(serviceOf(other).healthcheck).toBeDefined()
      else expect(serviceOf(other)).toBeDefined()
  })

  it('mounts the folder of the exporter, so that a file that is replaced is seen', () => {
    expect(command).toBe('serve')
    expect(autoReloadMs).toBeGreaterThan(0)
    const folder = mountsOf(exporter).find(({ target }) => target === path.dirname(configFile))
    expect(statSync(folder?.source ?? '').isDirectory()).toBe(true)
  })

  it('keeps what the exporter remembers in a volume, at a folder of the image that is for its user', () => {
    const volume = mountsOf(exporter).find(({ target }) => target === path.dirname(stateFile ?? ''))
    expect(volume).toMatchObject({ readOnly: false })
    expect(Object.keys(compose.volumes)).toContain(volume?.source)
    const image = readFileSync(path.join(deployFolder, '../Dockerfile'), 'utf8')
    const [, made] = /^RUN install --directory --owner=1000 .* (\S+)$/m.exec(image) ?? []
    expect(made).toBe(volume?.target)
  })
})

describe('the configuration of the exporter', () => {
  const text = textIn('mailpath-exporter', configFile)

  it('is good', async () => {
    const { checks } = await loadConfig(mounted(exporter, configFile) ?? '')
    expect(new Set(checks.map(({ probe }) => probe))).toEqual(
      new Set(['postgres', 'write_path', 'smtp', 'vault', 'settings', 'mail']),
    )
  })

  it('refers only to what the container has', () => {
    const variables = [...text.matchAll(/\{ env: (\w+) \}/g)].map(([, name]) => name)
    expect(variables.length).toBeGreaterThan(0)
    for (const name of variables) expect(Object.keys(exporter.environment ?? {})).toContain(name)
    for (const [, file = ''] of text.matchAll(/(?:dotenv|_file): ([^\s,]+)/g))
      expect(mounted(exporter, file), file).toBeDefined()
  })

  it('looks at the services there are, and so does the application', () => {
    const all = text + textIn('mailpath-exporter', '/etc/mailpath/app.env')
    const hosts = [...all.matchAll(/(?:\w:\/\/(?:\S*@)?|host: |HOST=)([\w-]+)/g)].flatMap(([, host]) => host ?? [])
    expect(new Set(hosts)).toEqual(new Set(['postgres-primary', 'postgres-standby', 'haproxy', 'mailpit', 'vault']))
    for (const host of hosts) expect(Object.keys(compose.services)).toContain(host)
  })
})

const promtool = have('promtool')
describe.skipIf(!needs('promtool', promtool, prometheusInstall))('the configuration of Prometheus', () => {
  it('is good, with its rules', async () => {
    const folder = tempFolder('mailpath-compose-')
    try {
      for (const { source, target } of mountsOf(serviceOf('prometheus'))) {
        await mkdir(path.dirname(folder + target), { recursive: true })
        await cp(source, folder + target, { recursive: true })
      }
      const told = await runProcess(promtool ?? '', ['check', 'config', `${folder}/etc/prometheus/prometheus.yml`])
      expect(told).toMatch(/SUCCESS: 1 rule files found[^]*SUCCESS: \d+ rules found/)
    } finally {
      await removeFolder(folder)
    }
  })
})

describe('who looks at the exporter', () => {
  const prometheus = parse(textIn('prometheus', '/etc/prometheus/prometheus.yml')) as {
    readonly global: { readonly scrape_interval: string }
    readonly scrape_configs: readonly object[]
    readonly alerting: object
  }

  it('is Prometheus, as the job that the rules name, and it knows the Alertmanager', () => {
    const [port] = exporter.ports?.[0]?.split(':').slice(-1) ?? []
    expect(parseCommand([]).listen).toMatchObject([{ port: Number(port) }])
    expect(prometheus.scrape_configs).toEqual([
      { job_name: 'mailpath', static_configs: [{ targets: [`mailpath-exporter:${port ?? ''}`] }] },
    ])
    expect(prometheus.alerting).toEqual({ alertmanagers: [{ static_configs: [{ targets: ['alertmanager:9093'] }] }] })
  })

  it('is Grafana, by what it is provisioned with', () => {
    const grafana = serviceOf('grafana')
    const provisioning = '/etc/grafana/provisioning'
    const { providers } = parse(textIn('grafana', `${provisioning}/dashboards/mailpath.yml`)) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[]
    }
    for (const { options } of providers)
      expect(mounted(grafana, options.path)).toBe(path.join(deployFolder, '../grafana/dashboards'))
    const { datasources } = parse(textIn('grafana', `${provisioning}/datasources/mailpath.yml`)) as {
      readonly datasources: readonly { readonly url: string; readonly jsonData: { readonly timeInterval: string } }[]
    }
    for (const { url, jsonData } of datasources) {
      expect(grafana.environment?.[url.slice(1)]).toBe('http://prometheus:9090')
      expect(jsonData.timeInterval).toBe(prometheus.global.scrape_interval)
    }
    const home = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
    expect(existsSync(mounted(grafana, home) ?? '')).toBe(true)
  })
})

const amtool = amtoolBinary()
describe.skipIf(!needs('amtool', amtool, alertmanagerInstall))('the configuration of Alertmanager', () => {
  it('is good', async () => {
    const file = mounted(serviceOf('alertmanager'), '/etc/alertmanager/alertmanager.yml') ?? ''
    expect(await runProcess(amtool ?? '', ['check-config', file])).toContain('SUCCESS')
  })
})

const haproxy = haproxyBinary()
describe.skipIf(!needs('haproxy', haproxy, haproxyInstall))('the configuration of HAProxy', () => {
  it('is good', async () => {
    const file = mounted(serviceOf('haproxy'), '/usr/local/etc/haproxy/haproxy.cfg') ?? ''
    expect(await runProcess(haproxy ?? '', ['-c', '-f', file])).toContain('Configuration file is valid')
  })
})
