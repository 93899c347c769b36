import { isIP } from 'node:net'
import { linesOf } from './machine.ts'

/** What resolv.conf(5) says. */
export interface Resolv {
  /** Addresses in order, at most three. */
  readonly servers: readonly string[]
  readonly search: readonly string[]
  /** A name with this many dots is first asked for without a search domain. */
  readonly ndots: number
  /** How long the system waits for each server before it asks the next. */
  readonly timeoutMs: number
  readonly attempts: number
  /** Asks for A (IPv4) and AAAA (IPv6) one after the other. */
  readonly single: boolean
  /** Does not ask for IPv6 addresses. */
  readonly noAaaa: boolean
  /** Whether all of it can be followed: no server is to be asked only over TCP, or is on a link (`fe80::1%eth0`). */
  readonly plain: boolean
}

const maxServers = 3

/**
 * Reads it as glibc does, with its limits. `hostname` gives the domain if the file has none. A missing file is empty.
 */
export function readResolv(text: string, hostname: string): Resolv {
  const servers: string[] = []
  let search: readonly string[] | undefined
  const options: string[] = []
  for (const [key, ...values] of linesOf(text, /^[#;].*/)) {
    const [first] = values
    if (key === 'nameserver' && first !== undefined && isIP(first) !== 0) servers.push(first)
    else if (key === 'domain' && first !== undefined) search = [first]
    else if (key === 'search') search = values
    else if (key === 'options') options.push(...values)
  }
  const number = (option: string, usual: number, most: number): number => {
    const found = options.findLast(one => one.startsWith(`${option}:`))
    const value = Number.parseInt(found?.slice(option.length + 1) ?? '', 10)
    return Number.isNaN(value) ? usual : Math.max(0, Math.min(value, most))
  }
  const own = hostname.includes('.') ? [hostname.slice(hostname.indexOf('.') + 1)] : []
  const used = servers.length === 0 ? ['127.0.0.1'] : servers.slice(0, maxServers)
  return {
    servers: used,
    search: (search ?? own).map(domain => domain.replace(/\.$/, '')),
    ndots: number('ndots', 1, 15),
    timeoutMs: 1_000 * Math.max(1, number('timeout', 5, 30)),
    attempts: Math.max(1, number('attempts', 2, 5)),
    single: options.some(option => option.startsWith('single-request')),
    noAaaa: options.includes('no-aaaa'),
    plain: !options.includes('use-vc') && !used.some(server => server.includes('%')),
  }
}

/** How long the system goes on asking before it says EAI_AGAIN, as in glibc's res_send.c. */
export function patienceMs({ servers, timeoutMs, attempts }: Resolv): number {
  const round = servers.map((_, index) =>
    index === 0 ? timeoutMs : Math.max(1_000, (timeoutMs * 2 ** index) / servers.length),
  )
  return attempts * round.reduce((sum, ms) => sum + ms, 0)
}

/** The names to ask for in turn, as in glibc's res_query.c. */
export function candidates(name: string, { search, ndots }: Resolv): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const found = search.map(domain => (domain === '' ? name : `${name}.${domain}`))
  const dots = name.split('.').length - 1
  return [...new Set(dots >= ndots ? [name, ...found] : [...found, name])]
}
