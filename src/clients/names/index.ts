import { lookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { hostname } from 'node:os'
import { domainToASCII } from 'node:url'
import { unlessAborted } from '../../core/abort.ts'
import type { TakeNote } from '../../core/transcript.ts'
import { NameFailure } from './failure.ts'
import { inHosts } from './hosts.ts'
import { literal } from './literal.ts'
import { hostsBytes, textOf, thisMachine, type Machine } from './machine.ts'
import { readNsswitch, silentAbout, type Status } from './nsswitch.ts'
import { inOrder } from './order.ts'
import { candidates, readResolv, type Resolv } from './resolv.ts'
import { askServers, dnsErrorText } from './servers.ts'
import { bySystem } from './system.ts'

export { remedyForName } from './failure.ts'

/** The most addresses of one name. An answer over TCP may have 4,000, more than a run can try. */
const most = 128

interface Lookup {
  readonly signal: AbortSignal
  readonly note?: TakeNote | undefined
  readonly machine?: Machine
}

/**
 * The addresses of a host, at least one, in the order of RFC 6724: what getaddrinfo(3) gives an application on this
 * machine (docs/names.md has the differences). It takes no thread, so that one name never waits for another, and ends
 * with the signal. Rejects with a NameFailure, with the signal's reason, or with the system's error if this machine
 * lacks something.
 */
export async function addressesOf(
  host: string,
  { signal, note, machine = thisMachine }: Lookup,
): Promise<LookupAddress[]> {
  signal.throwIfAborted()
  const address = literal(host)
  if (address !== undefined) return withFamily([address])
  if (!machine.byFiles) return byNode(host, signal)
  const name = /[^\u0000-\u007f]/.test(host) ? domainToASCII(host) : host
  const found = await walk(name, { signal, note, machine })
  return withFamily(await inOrder(found.slice(0, most), textOf(machine.gaiConf) ?? ''))
}

/** For `net.connect` and `http.request`. */
export const lookupFor =
  (lookup: Lookup): LookupFunction =>
  (host, { all }, done) => {
    addressesOf(host, lookup).then(
      addresses => {
        const [first] = addresses
        if (all === true) done(null, addresses)
        else done(null, first?.address ?? '', first?.family)
      },
      (error: unknown) => done(error as NodeJS.ErrnoException, ''),
    )
  }

const withFamily = (addresses: readonly string[]): LookupAddress[] =>
  addresses.map(address => ({ address, family: isIP(address) }))

/**
 * For systems whose files do not say how to look up. It runs in the thread pool and cannot be ended there: a name that
 * hangs delays other names.
 */
async function byNode(host: string, signal: AbortSignal): Promise<LookupAddress[]> {
  const looking = new Promise<LookupAddress[]>((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error) reject(error)
      else resolve(addresses)
    })
  })
  return unlessAborted(signal, looking)
}

type Found = { readonly status: Status; readonly addresses: readonly string[]; readonly failure?: NameFailure }
type Asking = Required<Pick<Lookup, 'signal' | 'machine'>> & Pick<Lookup, 'note'>

/** Goes through the services of nsswitch.conf(5). */
async function walk(name: string, asking: Asking): Promise<readonly string[]> {
  const { signal, note, machine } = asking
  const services = readNsswitch(textOf(machine.nsswitch) ?? '')
  let refused = false
  let failure = new NameFailure('ENOTFOUND', 'no service of nsswitch.conf knows the name')
  for (const { name: service, ends } of services ?? readNsswitch('') ?? []) {
    const silent = silentAbout(service, name)
    const isOurs = service === 'files' || service === 'dns'
    const resolv = service === 'dns' ? resolvOf(machine) : undefined
    let found: Found = { status: silent ?? 'unavail', addresses: [] }
    if (!refused && ((!isOurs && silent === undefined) || services === undefined || resolv?.plain === false)) {
      const addresses = await bySystem(machine.getent, name, signal)
      if (addresses !== undefined && addresses.length > 0) return addresses
      if (addresses) note?.(`the system (getent ahosts) found no address for ${name}`)
      else note?.(`the system (getent ahosts) could not be asked for ${name}`)
      // The rest of the way only lacks the reason, since the system gives none.
      refused = addresses !== undefined
    }
    if (service === 'files') found = byFiles(name, machine)
    else if (resolv) found = await byServers(name, resolv, asking)
    if (found.status === 'success') {
      if (!refused) return found.addresses
      failure = new NameFailure('ENOTFOUND', 'the system finds no address, though a service of nsswitch.conf has one')
    } else if (found.failure) failure = found.failure
    if (ends[found.status]) break
  }
  throw failure
}

function byFiles(name: string, machine: Machine): Found {
  const addresses = inHosts(textOf(machine.hosts, hostsBytes) ?? '', name)
  return { status: addresses.length > 0 ? 'success' : 'notfound', addresses }
}

const resolvOf = (machine: Machine): Resolv => readResolv(textOf(machine.resolvConf) ?? '', hostname())

/** Goes through the search list, as glibc's res_query.c does. */
async function byServers(name: string, resolv: Resolv, { signal, note, machine }: Asking): Promise<Found> {
  let failed: NameFailure | undefined
  let exists = false
  // A link-local server is not asked here: see `plain`.
  let servers = resolv.servers.filter(server => !server.includes('%'))
  let searches = true
  for (const candidate of isAskable(name) && servers.length > 0 ? candidates(name, resolv) : []) {
    // A name that a search domain makes too long. After a failure only the name itself is tried.
    if (!isAskable(candidate) || (!searches && candidate !== name)) continue
    const reply = await askServers(candidate, servers, resolv, machine.port, signal, note)
    // The server that answers is asked first for the rest: the dead ones have had their second.
    servers = [reply.server, ...servers].filter((server, index, list) => list.indexOf(server) === index)
    if (reply.kind === 'found') {
      const { addresses, server, missing } = reply
      if (missing)
        note?.(`the name server ${server} does not answer for ${missing} of ${candidate}: the system waits for it`)
      note?.(`${candidate}: answered by the name server ${server}`)
      return { status: 'success', addresses }
    }
    if (reply.kind === 'none') exists ||= reply.exists
    else {
      if (reply.want) throw reply.want
      failed = new NameFailure('EAI_AGAIN', `the name server ${reply.server} ${dnsErrorText(reply.code)}`)
      if (reply.code === 'ECONNREFUSED') return { status: 'unavail', addresses: [], failure: failed }
      // A server that says SERVFAIL may know the next name. One that does not answer will not.
      searches &&= reply.code === 'ESERVFAIL'
    }
  }
  const failure = failed ?? new NameFailure('ENOTFOUND', exists ? 'the name has no address' : 'there is no such name')
  return { status: failed ? 'tryagain' : 'notfound', addresses: [], failure }
}

/** A name that can be asked for, and about which glibc believes an answer (its res_hnok). */
const isAskable = (name: string): boolean =>
  /^(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/.test(name) && name.replace(/\.$/, '').length <= 253
