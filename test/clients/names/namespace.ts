import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { removeFolder, tempFolder } from '../../servers/processes.ts'
import type { Files } from './machine.ts'

/** Whether a process may be given other files than this machine has. */
export const permitted =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '--bind', '/etc/hosts', '/etc/hosts']).status === 0
if (!permitted)
  console.warn('no mount namespace can be made (needs root and unshare): what needs other name servers is skipped')

const places: Readonly<Record<keyof Files, string>> = {
  hosts: '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
  nsswitch: '/etc/nsswitch.conf',
  gaiConf: '/etc/gai.conf',
}

/** A command that runs another one where these files are in the place of those of this machine, for one test. */
export function within(files: Files, command: readonly string[], net = false): readonly [string, readonly string[]] {
  const folder = tempFolder('mailpath-namespace-')
  onTestFinished(() => removeFolder(folder))
  const mounts = (Object.entries(files) as [keyof Files, string][]).map(([name, text]) => {
    const file = path.join(folder, name)
    writeFileSync(file, text, { mode: 0o644 })
    return `mount --bind ${file} ${places[name]}`
  })
  const script = [...mounts, 'exec "$0" "$@"'].join(' && ')
  return ['unshare', ['--mount', ...(net ? ['--net'] : []), 'sh', '-c', script, ...command]]
}
