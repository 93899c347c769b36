import { closeSync, openSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { ownAddresses } from './own-addresses.ts'

/** What the exporter, or the host it runs on, can be short of. */
export const resources = ['file_descriptors', 'ports', 'memory', 'cpu', 'network'] as const
export type Resource = (typeof resources)[number]

/** What was wanting when a look failed. It says nothing of the target. */
export interface Want {
  readonly resource: Resource
  /** What the system said, as `EMFILE`. */
  readonly code: string
}

/** The name under which the exporter itself stands where others have that of a probe. */
export const exporterKind = 'exporter'

/** Of any call of the system. */
const ofAnyCall: Readonly<Record<string, Resource>> = {
  EMFILE: 'file_descriptors',
  ENFILE: 'file_descriptors',
  ENOMEM: 'memory',
  ENOBUFS: 'memory',
  EAI_MEMORY: 'memory',
  EAFNOSUPPORT: 'network',
  ENETDOWN: 'network',
}

/** Of connect(2), where this host itself says it, before a packet leaves: no route, or a rule of its own. */
const ofConnect = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EPERM', 'EADDRNOTAVAIL', 'EAGAIN', 'EINVAL'])

/**
 * What of our own was wanting, if that is why; undefined where the error says something of the other side. Of several
 * addresses one that answered, however badly, is evidence, unless the exporter could not even begin with another.
 */
export function wantOf(error: unknown): Want | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if ('want' in error) return isWant(error.want) ? error.want : undefined
  if (error instanceof AggregateError) return ofSeveral(error.errors.map(wantOf))
  return ofCall(error) ?? ('cause' in error ? wantOf(error.cause) : undefined)
}

/** Of tries one after the other that all failed. */
export function ofSeveral(wants: readonly (Want | undefined)[]): Want | undefined {
  const isOwn = (want: Want | undefined): boolean => want !== undefined && want.resource !== 'network'
  // That a host has no IPv6 is usual, and then the other address decides.
  return wants.find(isOwn) ?? (wants.every(want => want !== undefined) ? wants[0] : undefined)
}

/** The new error, which stands for the old one: what was wanting goes along. */
export function inPlaceOf<E extends Error>(error: E, old: unknown): E {
  const want = wantOf(old)
  return want ? Object.assign(error, { want }) : error
}

/** The error, of a call that only this host itself can have refused: of a UDP socket, say, through which nothing was sent yet. */
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

/** Only what the system says counts: the code of an error may be a word of the server. */
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

/** Node names its own end of the socket only where connect(2) itself failed, and not where an answer of the network did. */
const isAtOnce = ({ message }: SystemCall): boolean => / - Local \(/.test(message)

function ofConnecting(call: SystemCall): Resource | undefined {
  const { code, address, port } = call
  // Of a Unix socket it is about the server, or about who may use its file.
  if (address === undefined || port === undefined || !ofConnect.has(code) || !isAtOnce(call)) return undefined
  // Nobody can connect to many at once: it is the target that is set wrong.
  if (isOfMany(address)) return undefined
  // A route that is a black hole. Of IPv6 it may be an address that nobody can connect to (fe80:: without its zone).
  if (code === 'EINVAL' && !isIPv4(address)) return undefined
  if (code === 'EAGAIN') return 'ports'
  return code === 'EADDRNOTAVAIL' && hasFamilyOf(address) ? 'ports' : 'network'
}

/** Multicast, or broadcast, of all networks or of one of this host. */
const isOfMany = (address: string): boolean =>
  /^(?:(?:::ffff:)?(?:22[4-9]|23\d|255)\.|ff)/i.test(address) || ownAddresses().some(one => isBroadcastOf(one, address))

function isBroadcastOf({ cidr, family }: NetworkInterfaceInfo, address: string): boolean {
  const [own = '', length = '32'] = cidr?.split('/') ?? []
  // A network of two addresses has none (RFC 3021).
  if (family !== 'IPv4' || !isIPv4(address) || Number(length) > 30) return false
  return (ofIpv4(own) | (2 ** (32 - Number(length)) - 1)) >>> 0 === ofIpv4(address)
}

const ofIpv4 = (address: string): number =>
  address.split('.').reduce((bits, part) => ((bits << 8) | Number(part)) >>> 0, 0)

/** Whether this host has an address of that family: for an address of its own, or else one that leads out. */
function hasFamilyOf(address: string): boolean {
  const isOwn = /^127\.|^::1$/.test(address)
  const family = isIPv6(address) ? 'IPv6' : 'IPv4'
  return ownAddresses().some(one => one.family === family && (isOwn || !one.internal))
}

/** Of getaddrinfo, and of node:dns (`queryA`). */
const isOfNames = (syscall: string): boolean => /^(?:getaddrinfo|query)/.test(syscall)

/**
 * A name that was not found, where not even a file can be opened, or this host is in no network: both look like a name that
 * is not there. Of a name server without a route, the lookup itself finds that out (src/clients/names/ask.ts).
 */
function ofNames(code: string): Want | undefined {
  return (
    ofFiles() ?? (code !== 'ENOTFOUND' && code !== 'ENODATA' && !leadsOut() ? { resource: 'network', code } : undefined)
  )
}

/** Without a call, as whoever looks names up by itself has it. */
const ofNameIn = (error: object): Want | undefined =>
  'code' in error && (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') ? ofNames(error.code) : undefined

/** Whether a file descriptor can be had now. */
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
 * A library is loaded with the first look that needs it. For want of a file descriptor it looks as if it were not installed,
 * and the descriptor may be there again by now. In no case it says anything of a target.
 */
function ofLoading(error: object): Want | undefined {
  if (!('code' in error) || !/^(?:ERR_)?MODULE_NOT_FOUND$/.test(String(error.code))) return undefined
  return ofFiles() ?? { resource: 'file_descriptors', code: 'MODULE_NOT_FOUND' }
}

/** Whether this host has an address that leads out; true where it may not know its addresses. */
function leadsOut(): boolean {
  const own = ownAddresses()
  return own.length === 0 || own.some(({ internal }) => !internal)
}
