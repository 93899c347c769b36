import { execFile } from 'node:child_process'
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { runProcess, tempFolder } from '../servers/processes.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Packed {
  readonly filename: string
  readonly integrity: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}
interface Locked {
  readonly dev?: boolean
  readonly devOptional?: boolean
}
interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

const json = async <T>(file: string): Promise<T> => JSON.parse(await readFile(file, 'utf8')) as T
const npm = async (folder: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)('npm', [...args, '--offline', '--ignore-scripts'], { cwd: folder })).stdout

let source: string
let packed: Packed
let names: readonly string[]

/** From a copy with all there is, the build fresh: a folder of the tests can only be left out because it is told to. */
beforeAll(async () => {
  source = tempFolder('mailpath-pack-')
  const left = ['node_modules', '.git', 'dist', 'coverage'].map(name => path.join(root, name))
  await cp(root, source, { recursive: true, filter: file => !left.includes(file) })
  const build = ['--import', import.meta.resolve('tsx'), path.join(root, 'build/main.ts'), path.join(source, 'dist')]
  await promisify(execFile)(process.execPath, build)
  const [first] = JSON.parse(await npm(source, 'pack', '--json')) as Packed[]
  if (!first) throw new Error('npm pack has packed nothing')
  packed = first
  names = packed.files.map(file => file.path)
}, 120_000)

describe('the package', () => {
  it('has the program, and what is needed to run it, watch it and act upon it', async () => {
    // The picture of the README is as large as all the rest of the documents, and the README at the registry loads it from the repository.
    const documents = (await readdir(path.join(root, 'docs'), { recursive: true })).filter(file =>
      /\.(?!ts$|png$)\w+$/.test(file),
    )
    for (const name of [
      'dist/main.js',
      'dist/exporter.js',
      'dist/package.json',
      'dist/THIRD-PARTY.txt',
      ...documents.map(file => `docs/${file}`),
      'alerts/mailpath.rules.yml',
      'packaging/man/mailpath-exporter.1',
      'packaging/completion/mailpath-exporter.bash',
      'packaging/completion/_mailpath-exporter',
      'packaging/completion/mailpath-exporter.fish',
      'packaging/systemd/mailpath-exporter.service',
      'packaging/systemd/mailpath-exporter.socket',
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'SECURITY.md',
      'package.json',
    ])
      expect(names).toContain(name)
  })

  it('has the dashboards, and nothing of what makes them', async () => {
    const dashboards = await readdir(path.join(root, 'grafana/dashboards')).catch(() => [])
    for (const file of dashboards.filter(name => name.endsWith('.json')))
      expect(names).toContain(`grafana/dashboards/${file}`)
    expect(names.filter(name => name.startsWith('grafana/') && !/\.(json|ya?ml|md)$/.test(name))).toEqual([])
  })

  it('has no source, no test, and nothing that may hold a secret', () => {
    expect(names.filter(name => /\.ts$|\.test\.|^(src|test|\.github|\.ci)\//.test(name))).toEqual([])
    expect(names.filter(name => /\.env|\.npmrc|\.pem$|\.key$|\.tgz$|\.log$|(^|\/)node_modules\//.test(name))).toEqual(
      [],
    )
    expect(
      names.filter(name => /^(dist|docs|alerts|grafana|packaging)\/|^[A-Z]+(\.md)?$|^package\.json$/.test(name)),
    ).toEqual(names)
  })

  it('is small', () => {
    console.info(`npm pack: ${packed.size} bytes, ${packed.unpackedSize} unpacked, ${names.length} files`)
    expect(packed.size).toBeLessThan(1_100_000)
  })
})

describe('the package, installed with its production dependencies alone', () => {
  it('runs by npx', { timeout: 120_000 }, async context => {
    const folder = tempFolder('mailpath-npx-')
    if (!(await installed(folder))) {
      console.warn('the production dependencies are not in the cache of npm (npm ci puts them there): skipped')
      context.skip()
    }
    const { version } = await json<Manifest>(path.join(root, 'package.json'))
    const npx = (...args: string[]): Promise<string> =>
      runProcess('npx', ['--offline', 'mailpath-exporter', ...args], { cwd: folder })
    expect(await npx('--version')).toContain(`mailpath-exporter ${version} (node ${process.version})`)
    await cp(path.join(root, 'test/config/example.yml'), path.join(folder, 'mailpath.yml'))
    expect(await npx('check-config')).toMatch(/mailpath\.yml: \d+ checks, ok/)
  })

  /** By npm itself, from a lock of the same versions; false where npm has not got them all. */
  async function installed(folder: string): Promise<boolean> {
    const { packages } = await json<{ packages: Record<string, Locked> }>(path.join(root, 'package-lock.json'))
    const needed = Object.entries(packages).filter(([at, { dev, devOptional }]) => at !== '' && !dev && !devOptional)
    const file = `file:${path.join(source, packed.filename)}`
    const own = { dependencies: { 'mailpath-exporter': file } }
    const { version, bin, dependencies } = await json<Manifest>(path.join(root, 'package.json'))
    const exporter = { version, resolved: file, integrity: packed.integrity, bin, dependencies }
    const all = { '': own, 'node_modules/mailpath-exporter': exporter, ...Object.fromEntries(needed) }
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(own))
    await writeFile(
      path.join(folder, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, requires: true, packages: all }),
    )
    return npm(folder, 'install', '--omit=dev', '--no-audit', '--no-fund').then(
      () => true,
      (error: unknown) => {
        if (String(error).includes('ENOTCACHED')) return false
        throw error
      },
    )
  }
})
