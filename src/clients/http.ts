import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { TLSSocket } from 'node:tls'
import { codeOf, describeError } from '../core/errors.ts'
import type { TakeNote } from '../core/transcript.ts'
import { version } from '../core/version.ts'
import { wantOf, type Want } from '../core/want.ts'
import { CertificateRefused, watchHandshake, type Chain, type Handshake } from './certificates.ts'
import { lookupFor } from './names/index.ts'
import { limitReceived } from './socket.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** PEM certificate and private key to show to a server that asks for them. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name the server's certificate must have, where it is not that of the URL. */
  readonly servername?: string | undefined
  /** An answer with a larger body is refused. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined
  readonly signal: AbortSignal
  /** Is told the method, the address and the path, and the status, and nothing else: the rest may be secret. */
  readonly note?: TakeNote | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** The certificates of the server; undefined without TLS. */
  readonly chain: Chain | undefined
}

/** How far a request came; `dns` is there for a name only, `wait` is for the first byte of the answer. */
export type HttpPhase = 'dns' | 'connect' | 'tls' | 'wait' | 'body'

/** No answer came, or not a whole one. The message is one line that begins with `host:port`; nothing of the request is kept. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly phase: HttpPhase
  /** As `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly code: string | undefined
  /** The certificates of the server, where they are why. */
  readonly chain: Chain | undefined
  /** See Failure. */
  readonly want: Want | undefined
  constructor(address: string, phase: HttpPhase, error: unknown) {
    super(`${address}: ${httpErrorText(error, phase, address)}`)
    this.phase = phase
    this.code = codeOf(error)
    this.want = wantOf(error)
    this.chain = error instanceof CertificateRefused ? error.chain : undefined
  }
}

const mib = 1_048_576
/** Said, since NODE_OPTIONS could raise it. */
const maxHeaderBytes = 16_384
/** So that whoever reads the log of a server sees who asks. */
const userAgent = `mailpath-exporter/${version}`

/** `host:port` of a URL, with the scheme's port where it names none. */
export function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

/**
 * One HTTP/1.1 request on a connection of its own. Any status is an answer; redirects are not followed, proxies of the
 * environment not used, certificates always verified, and a body over `maxBodyBytes` is refused. Throws HttpFailure.
 */
export async function httpRequest(request: HttpRequest): Promise<HttpResponse> {
  const progress: Progress = { phase: 'connect' }
  const { method, url, note } = request
  const about = `${method} ${addressOf(url)}${new URL(url).pathname}`
  try {
    const response = await exchange(request, progress)
    note?.(`${about}: HTTP ${response.status}, ${response.body.length} characters`)
    return response
  } catch (error) {
    const failure = new HttpFailure(addressOf(url), progress.phase, error)
    note?.(`${about}: failed in ${failure.phase}${failure.code === undefined ? '' : `, ${failure.code}`}`)
    throw failure
  }
}

interface Progress {
  phase: HttpPhase
  handshake?: Handshake
}

async function exchange(
  { signal, body, note, maxBodyBytes = mib, ...options }: HttpRequest,
  progress: Progress,
): Promise<HttpResponse> {
  signal.throwIfAborted()
  const request = start(options, lookupIn(progress, lookupFor({ signal, note })))
  let onAbort: (() => void) | undefined
  try {
    return await new Promise<HttpResponse>((resolve, reject) => {
      // Rejecting on the signal itself, since a destroyed request may already have told another story.
      onAbort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort)
      request.on('error', error => reject(asError(progress.handshake?.explained(error) ?? error)))
      // What else is there: an answer that is none (101 Switching Protocols). Within one the response says what happened.
      request.on('close', () => progress.phase !== 'body' && reject(new Error('the connection was closed')))
      follow(request, { ...options, maxBodyBytes }, progress)
      request.on('response', response => {
        progress.phase = 'body'
        collect(response, maxBodyBytes, answer => resolve({ ...answer, chain: progress.handshake?.chain() }), reject)
      })
      request.end(body)
    })
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
    request.destroy()
  }
}

/** The same lookup, with its phase. */
const lookupIn =
  (progress: Progress, lookup: LookupFunction): LookupFunction =>
  (host, options, done) => {
    progress.phase = 'dns'
    lookup(host, options, (error, ...found) => {
      if (!error) progress.phase = 'connect'
      done(error, ...found)
    })
  }

type Outset = Omit<HttpRequest, 'signal' | 'body' | 'note' | 'maxBodyBytes'>

function start({ method, url, headers, ...tls }: Outset, lookup: LookupFunction): http.ClientRequest {
  const options: https.RequestOptions = {
    method,
    headers: { 'User-Agent': userAgent, ...headers },
    agent: false,
    lookup,
    maxHeaderSize: maxHeaderBytes,
  }
  if (!url.startsWith('https:')) return http.request(url, options)
  const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  // Said outright, or NODE_TLS_REJECT_UNAUTHORIZED=0 would send tokens to anybody.
  return https.request(url, { ...options, ...given, rejectUnauthorized: true })
}

function follow(
  request: http.ClientRequest,
  {
    url,
    servername,
    ca,
    maxBodyBytes,
  }: Pick<HttpRequest, 'url' | 'servername' | 'ca'> & { readonly maxBodyBytes: number },
  progress: Progress,
): void {
  request.on('socket', socket => {
    // In all: with the lengths of chunks, and with answers before the answer (1xx), of which there may be any number.
    limitReceived(socket, 2 * maxBodyBytes)
    if (socket instanceof TLSSocket)
      progress.handshake = watchHandshake(socket, servername ?? new URL(url).hostname.replace(/^\[|\]$/g, ''), ca)
    socket.on('connect', () => (progress.phase = url.startsWith('https:') ? 'tls' : 'wait'))
    socket.on('secureConnect', () => (progress.phase = 'wait'))
  })
}

function collect(
  response: http.IncomingMessage,
  maxBodyBytes: number,
  resolve: (response: Omit<HttpResponse, 'chain'>) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  response.on('error', reject)
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBodyBytes) reject(new Error(`the answer is larger than ${maxBodyBytes / mib} MiB`))
    else chunks.push(chunk)
  })
  response.on('end', () => {
    const { statusCode = 0, headers } = response
    resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString('utf8') })
  })
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(describeError(error)))

function httpErrorText(error: unknown, phase: HttpPhase, address: string): string {
  const reset = codeOf(error) === 'ECONNRESET'
  if (reset && phase === 'body') return 'the connection was closed in the middle of the answer (ECONNRESET)'
  if (reset && phase === 'wait') return 'the connection was closed before an answer came (ECONNRESET)'
  const text = describeError(error)
  // OpenSSL's line: write EPROTO 40E7…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…
  const [, openssl] = /:SSL routines:[^:]*:([^:]+):/.exec(text) ?? []
  return openssl ? `TLS: ${openssl.trim()} (${codeOf(error) ?? 'EPROTO'})` : text.replaceAll(` ${address}`, '')
}
