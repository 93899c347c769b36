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
import { withContext } from './secure-contexts.ts'
import { limitReceived } from './socket.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: string | undefined
  /** PEM certificate and private key for a server that asks for them. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name that the server's certificate must have. Default: the host of the URL. */
  readonly servername?: string | undefined
  /** A larger body is refused. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** Where the host of the URL leads. Default: as the system has it (src/clients/names). */
  readonly lookup?: LookupFunction | undefined
  readonly signal: AbortSignal
  /** Gets the method, the address and the path, and then the status. Nothing else: the rest may be secret. */
  readonly note?: TakeNote | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  /** The certificates of the server; undefined without TLS. */
  readonly chain: Chain | undefined
}

/** How far a request came. `dns` is only for a name; `wait` is for the first byte of the answer. */
type HttpPhase = 'dns' | 'connect' | 'tls' | 'wait' | 'body'

/**
 * No complete answer came. The message is one line that begins with `host:port`. It contains nothing of the request.
 */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly phase: HttpPhase
  /** Such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly code: string | undefined
  /** The certificates of the server, if they are the cause. */
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
const sizeText = (bytes: number): string => (bytes < mib ? `${bytes / 1024} KiB` : `${bytes / mib} MiB`)
/** Set here because NODE_OPTIONS could raise it. */
const maxHeaderBytes = 16_384
/** Shows in the log of a server who asks. */
const userAgent = `mailpath-exporter/${version}`

/** `host:port` of a URL, with the default port of the scheme. */
export function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

/**
 * One HTTP/1.1 request on its own connection. Any status is an answer. It follows no redirect and no proxy of the
 * environment, always verifies certificates, and refuses a body over `maxBodyBytes`. Throws HttpFailure.
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
  { signal, body, note, maxBodyBytes = mib, lookup = lookupFor({ signal, note }), ...options }: HttpRequest,
  progress: Progress,
): Promise<HttpResponse> {
  signal.throwIfAborted()
  const request = start(options, lookupIn(progress, lookup))
  let onAbort: (() => void) | undefined
  try {
    return await new Promise<HttpResponse>((resolve, reject) => {
      // Rejects with the signal's own reason: the error of a destroyed request may say something else.
      onAbort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort)
      request.on('error', error => reject(asError(progress.handshake?.explained(error) ?? error)))
      // Something that is no answer (101 Switching Protocols). Within an answer the response says what happened.
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

/** The same lookup, timed as a phase. */
const lookupIn =
  (progress: Progress, lookup: LookupFunction): LookupFunction =>
  (host, options, done) => {
    progress.phase = 'dns'
    lookup(host, options, (error, ...found) => {
      if (!error) progress.phase = 'connect'
      done(error, ...found)
    })
  }

type Outset = Omit<HttpRequest, 'signal' | 'body' | 'note' | 'maxBodyBytes' | 'lookup'>

function start(
  { method, url, headers, servername, ca, cert, key }: Outset,
  lookup: LookupFunction,
): http.ClientRequest {
  const options: https.RequestOptions = {
    method,
    headers: { 'User-Agent': userAgent, ...headers },
    agent: false,
    lookup,
    maxHeaderSize: maxHeaderBytes,
  }
  if (!url.startsWith('https:')) return http.request(url, options)
  const trust = withContext({
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  })
  const name = servername === undefined ? {} : { servername }
  // Set here: otherwise NODE_TLS_REJECT_UNAUTHORIZED=0 would send tokens to anybody.
  return https.request(url, { ...options, ...trust, ...name, rejectUnauthorized: true })
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
    // All bytes, with the lengths of chunks, and with any number of 1xx answers.
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
    if (size > maxBodyBytes) reject(new Error(`the answer is larger than ${sizeText(maxBodyBytes)}`))
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
