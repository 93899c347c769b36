/** Which system users and which servers this machine has. */
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'

export interface Account {
  uid: number
  gid: number
}

/** The account of a system user, by /etc/passwd. */
export function account(name: string): Account | undefined {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const fields = lines.find(line => line.startsWith(`${name}:`))?.split(':')
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) }
}

export const isRoot = () => process.getuid?.() === 0

/** Whom to become for servers that refuse to run as root; undefined when we are not root. */
export function unprivileged(): Account | undefined {
  if (!isRoot()) return undefined
  const found = account('postgres') ?? account('nobody') ?? account('daemon')
  if (found === undefined) throw new Error('running as root, and none of postgres, nobody, daemon is in /etc/passwd')
  return found
}

const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/lib/postfix/sbin', '/usr/local/bin', '/usr/bin']

/** Where a binary is, looking where servers live too, or undefined. */
export function have(binary: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...systemFolders, '/opt/homebrew/sbin']
  return folders
    .filter(folder => folder !== '')
    .map(folder => path.resolve(folder, binary))
    .find(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

const missing = new Set<string>()

/** For `describe.skipIf(!needs(…))`: a missing server skips its tests on a laptop, and fails them in CI. */
export function needs(what: string, found: string | undefined, howToInstall: string): found is string {
  if (found !== undefined) return true
  const message = `${what} is not installed (${howToInstall})`
  if (process.env['CI'] === 'true') throw new Error(message)
  if (!missing.has(what)) console.warn(`${message}: its tests are skipped`)
  missing.add(what)
  return false
}
