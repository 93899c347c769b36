import { hostname } from 'node:os'

/** The result of a service of nsswitch.conf(5). */
export type Status = 'success' | 'notfound' | 'unavail' | 'tryagain'

interface Service {
  readonly name: string
  /** Whether the lookup ends with it, for each result. */
  readonly ends: Readonly<Record<Status, boolean>>
}

const usual: Readonly<Record<Status, boolean>> = { success: true, notfound: false, unavail: false, tryagain: false }
/** The default of glibc since 2.34, and of musl, which has no such file. */
const withoutFile: readonly Service[] = ['files', 'dns'].map(name => ({ name, ends: usual }))

/** The services for host names, in order; undefined if a line cannot be followed. */
export function readNsswitch(text: string): readonly Service[] | undefined {
  const line = text
    .split('\n')
    .map(one => one.replace(/#.*/, '').trim())
    .findLast(one => /^hosts\s*:/.test(one))
  if (line === undefined) return withoutFile
  const services: { name: string; ends: Record<Status, boolean> }[] = []
  for (const [token] of line.slice(line.indexOf(':') + 1).matchAll(/\[[^\]]*\]|[^\s[]+/g)) {
    const last = services.at(-1)
    if (!token.startsWith('[')) services.push({ name: token, ends: { ...usual } })
    else if (!last || !takesActions(last.ends, token.slice(1, -1))) return undefined
  }
  return services
}

/** `NOTFOUND=return !UNAVAIL=continue` */
function takesActions(ends: Record<Status, boolean>, text: string): boolean {
  for (const action of text.trim().split(/\s+/)) {
    const [, not, status = '', what] = /^(!?)(success|notfound|unavail|tryagain)=(return|continue)$/i.exec(action) ?? []
    if (what === undefined) return false
    for (const one of statuses)
      if ((one === status.toLowerCase()) !== (not === '!')) ends[one] = what.toLowerCase() === 'return'
  }
  // Continuing after a success would merge answers.
  return ends.success
}

const statuses = ['success', 'notfound', 'unavail', 'tryagain'] as const

/**
 * What a service other than `files` and `dns` certainly says of a name without being asked: that it does not know it.
 * Undefined if it may know it. `mdns` takes names of the zone `local`, and `myhostname` those of this machine.
 * https://github.com/avahi/nss-mdns, nss-myhostname(8)
 */
export function silentAbout(service: string, name: string): Status | undefined {
  const bare = name.toLowerCase().replace(/\.$/, '')
  if (/^mdns[46]?_minimal$/.test(service)) return /(?:^|\.)local$/.test(bare) ? undefined : 'unavail'
  if (service === 'myhostname') return isOfThisMachine(bare) ? undefined : 'notfound'
  return undefined
}

const isOfThisMachine = (name: string): boolean =>
  /(?:^|\.)localhost(?:\.localdomain)?$|^_gateway$|^_outbound$|^_localdnsstub$|^_localdnsproxy$/.test(name) ||
  name === hostname().toLowerCase()
