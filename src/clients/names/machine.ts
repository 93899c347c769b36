import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Where a machine says how it looks up names. */
export interface Machine {
  readonly hosts: string
  readonly resolvConf: string
  readonly nsswitch: string
  readonly gaiConf: string
  /** UDP and TCP port of its name servers. */
  readonly port: number
  /** Whether these files, and no other service of the system, say how names are looked up. */
  readonly byFiles: boolean
  /** The program that asks getaddrinfo(3), as getent(1) does. */
  readonly getent: string
}

/** The machine of this process. On macOS and others no file says what they do. */
export const thisMachine: Machine = {
  hosts: '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
  nsswitch: '/etc/nsswitch.conf',
  gaiConf: '/etc/gai.conf',
  port: 53,
  byFiles: process.platform === 'linux',
  getent: 'getent',
}

const usualBytes = 65_536
/** A hosts file that blocks advertisers has some 10 MiB. */
export const hostsBytes = 16_777_216

/**
 * The beginning of such a file; undefined if there is none, or if it cannot be read. It is read at each lookup, as the
 * system does, so that a change counts at once. It is read without the thread pool: files that hang elsewhere could
 * fill that.
 */
export function textOf(path: string, maxBytes = usualBytes): string | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const stats = fstatSync(file)
    if (!stats.isFile()) return undefined
    const bytes = Buffer.alloc(Math.min(stats.size, maxBytes))
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0))
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The words of each line, without comments and empty lines. */
export const linesOf = (text: string, comment = /[#;].*/): string[][] =>
  text.split('\n').flatMap(line => {
    const words = line
      .replace(comment, '')
      .split(/\s+/)
      .filter(word => word !== '')
    return words.length === 0 ? [] : [words]
  })
