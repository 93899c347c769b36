import { closeSync, openSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { ownAddresses } from './own-addresses.ts'

/** What the exporter, or its host, can be short of. */
export const resources = ['file_descriptors', 'ports', 'memory', 'cpu', 'network'] as const
export type Resource = (typeof resources)[number]

/** What was lacking when a look failed. It is no evidence of the target. */
export interface Want {
  readonly resource: Resource
  /** The code of the system, such as `EMFILE`. */
  readonly code: string
}

/** The exporter's own name in the place of the name of a probe. */
export const exporterKind = 'exporter'

/** Codes of any system call. */
const ofAnyCall: Readonly<Record<string, Resource>> = {
  EMFILE: 'file_descriptors',
  ENFILE: 'file_descriptors',
  ENOMEM: 'memory',
  ENOBUFS: 'memory',
  EAI_MEMORY: 'memory',
  EAFNOSUPPORT: 'network',
  ENETDOWN: 'network',
}

/** Codes of connect(2) that this host itself gives before a packet leaves: no route, or a firewall rule. */
const ofConnect = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EPERM', 'EADDRNOTAVAIL', 'EAGAIN', 'EINVAL'])

/**
 * What the exporter itself lacked, if that is the cause; undefined if the error says something about the other side. Of
 * several addresses one that answered, however badly, is evidence, unless another could not even be tried.
 */
export function wantOf(error: unknown): Want | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('want' in error) return isWant(error.want) ? error.want : undefined
  if (error instanceof AggregateError) return ofSeveral(error.errors.map(wantOf))
  return ofCall(error) ?? ('cause' in error ? wantOf(error.cause) : undefined)
}

/** The causes, when several tries failed one after the other. */
export function ofSeveral(wants: readonly (Want | undefined)[]): Want | undefined {
  const isOwn = (want: Want | undefined): boolean => want !== undefined && want.resource !== 'network'
  // Many hosts have no IPv6. Then the other address decides.
  return wants.find(isOwn) ?? (wants.every(want => want !== undefined) ? wants[0] : undefined)
}

/** A new error in place of an old one, with what was lacking. */
export function inPlaceOf<E extends Error>(error: E, old: unknown): E {
  const want = wantOf(old)
  return want ? Object.assign(error, { want }) : error
}

/**
 * Marks the error of a call that only this host itself can refuse: of a UDP socket, for example, before anything was
 * sent.
 */
export function ofThisHost<E extends Error>(error: E): E {
  const { code } = error as { readonly code?: unknown }
  if (typeof code !== 'string' || wantOf(error)) return error
  return ofConnect.has(code) ? Object.assign(error, { want: { resource: 'network', code } }) : error
}

const isWant = (value: unknown): value is Want =>
  typeof value === 'object' && value !== null && 'resource' in value && 'code' in value

interface SystemCall {
  readonly code: string
  readonly syscall: string
  readonly address: string | undefined
  readonly port: number | undefined
  readonly message: string
}

/** Only what the system says counts: a `code` alone may come from the server. */
function callIn(error: object): SystemCall | undefined {
  const { code, originalCode, syscall, address, port, message } = error as Readonly<Record<string, unknown>>
  const said = typeof originalCode === 'string' ? originalCode : code
  if (typeof said !== 'string' || typeof syscall !== 'string') return undefined
  return {
    code: said,
    syscall,
    address: typeof address === 'string' ? address : undefined,
    port: typeof port === 'number' ? port : undefined,
    message: typeof message === 'string' ? message : '',
  }
}

function ofCall(error: object): Want | undefined {
  const call = callIn(error)
  if (!call) return ofLoading(error) ?? ofNameIn(error)
  const { code, syscall } = call
  const resource = ofAnyCall[code] ?? (syscall === 'connect' ? ofConnecting(call) : undefined)
  if (resource !== undefined) return { resource, code }
  return isOfNames(syscall) ? ofNames(code) : undefined
}

/** Node names the local end of the socket only if connect(2) itself failed, and not if an answer of the network did. */
const isAtOnce = ({ message }: SystemCall): boolean => / - Local \(/.test(message)

function ofConnecting(call: SystemCall): Resource | undefined {
  const { code, address, port } = call
  // An error of a Unix socket is about the server, or about the permissions of its file.
  if (address === undefined || port === undefined || !ofConnect.has(code) || !isAtOnce(call)) return undefined
  // Multicast and broadcast cannot be connected to: the target is set wrong.
  if (isOfMany(address)) return undefined
  // A black hole route. With IPv6 it may also be an address that needs a zone (fe80::).
  if (code === 'EINVAL' && !isIPv4(address)) return undefined
  if (code === 'EAGAIN') return 'ports'
  return code === 'EADDRNOTAVAIL' && hasFamilyOf(address) ? 'ports' : 'network'
}

/** Multicast, or a broadcast address, in general or of a network of this host. */
const isOfMany = (address: string): boolean =>
  /^(?:(?:::ffff:)?(?:22[4-9]|23\d|255)\.|ff)/i.test(address) || ownAddresses().some(one => isBroadcastOf(one, address))

function isBroadcastOf({ cidr, family }: NetworkInterfaceInfo, address: string): boolean {
  const [own = '', length = '32'] = cidr?.split('/') ?? []
  // A network of two addresses has no broadcast address (RFC 3021).
  if (family !== 'IPv4' || !isIPv4(address) || Number(length) > 30) return false
  return (ofIpv4(own) | (2 ** (32 - Number(length)) - 1)) >>> 0 === ofIpv4(address)
}

const ofIpv4 = (address: string): number =>
  address.split('.').reduce((bits, part) => ((bits << 8) | Number(part)) >>> 0, 0)

/** Whether this host has an address of that family: for its own addresses, or else one that leads out. */
function hasFamilyOf(address: string): boolean {
  const isOwn = /^127\.|^::1$/.test(address)
  const family = isIPv6(address) ? 'IPv6' : 'IPv4'
  return ownAddresses().some(one => one.family === family && (isOwn || !one.internal))
}

/** Calls of getaddrinfo, and of node:dns (`queryA`). */
const isOfNames = (syscall: string): boolean => /^(?:getaddrinfo|query)/.test(syscall)

/**
 * A name that was not found, while no file can be opened or this host is in no network. Both look like a name that does
 * not exist. The lookup itself finds out if there is no route to a name server (src/clients/names/ask.ts).
 */
function ofNames(code: string): Want | undefined {
  return (
    ofFiles() ?? (code !== 'ENOTFOUND' && code !== 'ENODATA' && !leadsOut() ? { resource: 'network', code } : undefined)
  )
}

/** The same for an error without a system call, as src/clients/names makes it. */
const ofNameIn = (error: object): Want | undefined =>
  'code' in error && (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') ? ofNames(error.code) : undefined

/** Whether a file descriptor is available now. */
function ofFiles(): Want | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return undefined
  } catch (error) {
    const call = callIn(error as object)
    return call && ofAnyCall[call.code] === 'file_descriptors'
      ? { resource: 'file_descriptors', code: call.code }
      : undefined
  }
}

/**
 * A library is loaded with the first look that needs it. Without a file descriptor it looks as if it were not
 * installed, and by now there may be a descriptor again. It never says anything about a target.
 */
function ofLoading(error: object): Want | undefined {
  if (!('code' in error) || !/^(?:ERR_)?MODULE_NOT_FOUND$/.test(String(error.code))) return undefined
  return ofFiles() ?? { resource: 'file_descriptors', code: 'MODULE_NOT_FOUND' }
}

/** Whether this host has an address that leads out; true if it may not list its addresses. */
function leadsOut(): boolean {
  const own = ownAddresses()
  return own.length === 0 || own.some(({ internal }) => !internal)
}
