import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { unlessAborted } from '../../core/abort.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'

/** A host, and the port where the value says one. */
export interface HostAndPort {
  readonly host: string
  readonly port: number | undefined
  /** The password of the URL it stands in. */
  readonly password: string | undefined
}

/** The host a value is or, as a URL such as postgres://user@host/database, has in it; undefined where it is neither. */
export function hostIn(value: string): HostAndPort | undefined {
  if (!value.includes('://'))
    return value === value.trim() && shapes.host.read(value) !== undefined
      ? { host: plain(value), port: undefined, password: undefined }
      : undefined
  if (!URL.canParse(value)) return undefined
  const { hostname, port, protocol, password } = new URL(value)
  if (hostname === '') return undefined
  const usual = protocol.startsWith('postgres') ? 5432 : undefined
  return { host: plain(hostname), port: port === '' ? usual : Number(port), password: decoded(password) }
}

/** One way to write it, of several. */
export function plain(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/(.)\.$/, '$1')
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare.toLowerCase()
}

/** The addresses of a host, sorted; undefined where its name cannot be resolved here. */
export async function addressesOf(host: string, look: Look): Promise<readonly string[] | undefined> {
  if (isIP(host)) return [host]
  try {
    const found = await look.phase('dns', () => unlessAborted(look.signal, lookup(host, { all: true })))
    return [...new Set(found.map(({ address }) => plain(address)))].sort()
  } catch {
    // The error has the name in it, which is not to be told.
    return undefined
  }
}

function decoded(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part)
  } catch {
    return part
  }
}
