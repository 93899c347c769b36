import { isIPv6 } from 'node:net'

/** A name server, and how it has answered in this run. */
export interface Server {
  readonly address: string
  readonly port: number
  /** `127.0.0.1:53`, `[::1]:53`. */
  readonly label: string
}

/** Reads `address` or `address:port`, as c-ares takes it; undefined if it is neither. */
export function serverOf(text: string): Server | undefined {
  if (isIPv6(text)) return made(text, 53)
  const [, bracketed, bare = bracketed, port = '53'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  return bare === undefined ? undefined : made(bare, Number(port))
}

const made = (address: string, port: number): Server => ({
  address,
  port,
  label: isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`,
})
