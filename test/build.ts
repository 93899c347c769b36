/** The program as it ships, built once for all tests: to start it costs a tenth of what it costs to compile the source. */
import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { builtIn } from './servers/program.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
let folder: string | undefined

/** As it stands in an image: dist, package.json, and what npm installs. */
export async function setup(): Promise<void> {
  folder = mkdtempSync(path.join(tmpdir(), 'mailpath-program-'))
  // Some tests run it as another user.
  chmodSync(folder, 0o755)
  copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  const dist = path.join(folder, 'dist')
  const build = ['--import', 'tsx', 'build/main.ts', dist]
  await promisify(execFile)(process.execPath, build, { cwd: root })
  process.env[builtIn] = path.join(dist, 'main.js')
}

export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}
