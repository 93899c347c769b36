import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { codeOf, oneLine } from '../core/errors.ts'
import type { CertificateLabels } from '../core/probe.ts'
import { createRecent } from '../core/recent.ts'
import { labelsOf } from './certificate-labels.ts'
import { certificatesIn } from './pem.ts'

/** The facts of a certificate. Times are in milliseconds since the epoch; NaN if they cannot be read. */
interface Certificate {
  /** Common name of the subject, or the first name that the certificate is for. */
  readonly name: string
  readonly issuer: string
  readonly notBefore: number
  readonly notAfter: number
  readonly selfSigned: boolean
}

/** What a server showed in the handshake, verified or not. */
export interface Chain {
  /**
   * The certificates that verification needs: the server's first, then as far towards a known authority as they go. The
   * index is the depth, as OpenSSL counts it.
   */
  readonly certificates: readonly Certificate[]
  /** Whether the last one is a known authority. */
  readonly anchored: boolean
  /** The names that the first one is for, as OpenSSL prints them. */
  readonly names: string
  /** What its metric says of the first one. */
  readonly leaf: CertificateLabels
}

/** No honest chain is longer. */
const maxLength = 10

/**
 * The chain of a server after the handshake. `ca` (PEM) replaces the usual authorities.
 * OpenSSL does not say which path it verified. Node completes the chain with the first certificate whose name fits,
 * even one that has expired and that no client needs (as the cross-signed one of DST Root CA X3 in 2021). So the path
 * is found here: of all paths through these certificates and the known authorities, the one that is valid longest.
 * `getPeerX509Certificate` is not used: in Node 20 to 24 it takes the certificate away from its next reader, and Node
 * itself reads the name on it.
 */
export function chainOf(socket: tls.TLSSocket, ca?: string | Buffer): Chain | undefined {
  try {
    return read(socket, ca)
  } catch {
    // Only a hostile server has a certificate that cannot be read. Then nothing is known of it.
    return undefined
  }
}

function read(socket: tls.TLSSocket, ca: string | Buffer | undefined): Chain | undefined {
  const completed = completedBy(socket)
  const [own] = completed
  if (!own) return undefined
  const simple = completed.map(factsOf)
  const said = { names: own.subjectAltName ?? '', leaf: labelsOf(own) }
  // No other path would end later. So the authorities need not be read, which takes some 20 ms.
  if (isValid(simple) && endsFirst(simple) === simple[0] && simple.length > 1 && simple.at(-1)?.selfSigned)
    return { certificates: simple, anchored: true, ...said }
  const authorities = ca === undefined ? usualAuthorities() : certificatesIn(String(ca))
  const { path, anchored } = longestLived(own, completed, authorities)
  return { certificates: path.map(factsOf), anchored, ...said }
}

/** The server's certificate, and its issuers as Node finds them among the certificates sent and the authorities. */
function completedBy(socket: tls.TLSSocket): X509Certificate[] {
  const completed: X509Certificate[] = []
  // Empty if there is none.
  let next: Partial<tls.DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  while (next?.raw && completed.length < maxLength) {
    completed.push(parsed(next.raw))
    const above: Partial<tls.DetailedPeerCertificate> | undefined = next.issuerCertificate
    next = above?.fingerprint256 === next.fingerprint256 ? undefined : above
  }
  return completed
}

/** Certificates by their bytes: a server shows the same ones in each run, and to read them takes more than the rest of a look. */
const recent = createRecent<X509Certificate>(32)
const parsed = (raw: Buffer): X509Certificate => recent(raw.toString('latin1'), () => new X509Certificate(raw))

interface Step {
  readonly path: readonly X509Certificate[]
  /** When the first of the path ends; 0 if one of them is not valid yet. */
  readonly until: number
}

/** The path from the certificate to an authority that ends last, or if there is none, the longest path. */
function longestLived(
  own: X509Certificate,
  completed: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): { readonly path: readonly X509Certificate[]; readonly anchored: boolean } {
  const open: Step[] = [{ path: [own], until: lifeOf(own) }]
  const seen = new Set<string>()
  let best: Step | undefined
  for (;;) {
    const next = open.toSorted((a, b) => b.until - a.until || a.path.length - b.path.length)[0]
    if (!next) return { path: best?.path ?? [own], anchored: false }
    open.splice(open.indexOf(next), 1)
    const last = next.path.at(-1) ?? own
    if (seen.has(last.fingerprint256)) continue
    seen.add(last.fingerprint256)
    const ends = isSelfSigned(last)
    if (ends && authorities.some(one => isSame(one, last))) return { path: next.path, anchored: true }
    if (!best || next.path.length > best.path.length) best = next
    if (ends || next.path.length >= maxLength) continue
    for (const issuer of [...completed, ...authorities])
      if (!seen.has(issuer.fingerprint256) && last.checkIssued(issuer) && isSignedBy(last, issuer))
        open.push({ path: [...next.path, issuer], until: Math.min(next.until, lifeOf(issuer)) })
  }
}

const isSame = (a: X509Certificate, b: X509Certificate): boolean => a.fingerprint256 === b.fingerprint256
const isSelfSigned = (one: X509Certificate): boolean => one.subject === one.issuer && isSignedBy(one, one)

function isSignedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return one.verify(issuer.publicKey)
  } catch {
    return false
  }
}

function lifeOf(one: X509Certificate): number {
  const { notBefore, notAfter } = factsOf(one)
  return notBefore > Date.now() || Number.isNaN(notAfter) ? 0 : notAfter
}

let usual: readonly X509Certificate[] | undefined

/** The authorities of Node, and from 22.15 on also those of NODE_EXTRA_CA_CERTS. */
function usualAuthorities(): readonly X509Certificate[] {
  const { getCACertificates } = tls as { getCACertificates?: () => string[] }
  usual ??= (getCACertificates?.() ?? [...tls.rootCertificates]).flatMap(certificatesIn)
  return usual
}

const facts = new WeakMap<X509Certificate, Certificate>()

function factsOf(one: X509Certificate): Certificate {
  const read = facts.get(one) ?? readFacts(one)
  facts.set(one, read)
  return read
}

function readFacts(one: X509Certificate): Certificate {
  return {
    name: nameIn(one.subject) ?? /^[^:]*:([^,]*)/.exec(one.subjectAltName ?? '')?.[1] ?? wholeName(one.subject),
    issuer: nameIn(one.issuer) ?? wholeName(one.issuer),
    notBefore: Date.parse(one.validFrom),
    notAfter: Date.parse(one.validTo),
    selfSigned: isSelfSigned(one),
  }
}

/** A name in Node's form, with one line for each part. */
const nameIn = (name: string | undefined): string | undefined => /^CN=(.+)$/m.exec(name ?? '')?.[1]
const wholeName = (name: string | undefined): string => name?.replaceAll('\n', ', ') ?? ''

const isValid = (certificates: readonly Certificate[], at = Date.now()): boolean =>
  certificates.every(({ notBefore, notAfter }) => notBefore <= at && notAfter > at)

const endsFirst = (certificates: readonly Certificate[]): Certificate | undefined =>
  certificates.reduce<Certificate | undefined>(
    (first, one) => (first === undefined || one.notAfter < first.notAfter ? one : first),
    undefined,
  )

/**
 * The certificate that ends first of those that verification needs. In a verified chain an expired one was not needed:
 * some other authority replaced it.
 */
function decisive({ certificates }: Chain, verified: boolean, at: number): Certificate | undefined {
  const needed = verified ? certificates.filter(({ notAfter }) => !(notAfter <= at)) : certificates
  return endsFirst(needed)
}

/** A certificate of a chain, for people: `the certificate`, `the intermediate certificate "R3" (depth 1)`. */
function called({ certificates }: Chain, one: Certificate): string {
  const depth = certificates.indexOf(one)
  if (depth === 0) return 'the certificate'
  const kind = one.selfSigned ? 'root' : 'intermediate'
  return `the ${kind} certificate ${quoted(one.name)} (depth ${depth})`
}

const quoted = (name: string): string => `"${oneLine(name).slice(0, 64)}"`

const day = (ms: number): string => (Number.isNaN(ms) ? 'an unknown day' : new Date(ms).toISOString().slice(0, 10))

const dayMs = 86_400_000
const hourMs = 3_600_000

/** Says that a chain ends within `warningMs`; undefined if it does not. */
function endsSoon(chain: Chain, at: number, warningMs: number): string | undefined {
  const first = decisive(chain, true, at)
  const left = first ? first.notAfter - at : Infinity
  if (!first || !(left < warningMs)) return undefined
  return `${called(chain, first)} expires on ${day(first.notAfter)}, in ${span(left)}, less than ${span(warningMs)}`
}

const span = (ms: number): string => {
  const [unit, size] = ms >= 2 * dayMs ? ['days', dayMs] : ['hours', hourMs]
  return `${Math.floor(ms / size)} ${unit}`
}

/** A chain that a server showed, as a fact of a run. */
export interface Shown {
  readonly chain: Chain
  /** Whether it was verified and valid. A chain that no client verifies harms no client when it ends. */
  readonly verified: boolean
  /** Time of the handshake, in milliseconds since the epoch. */
  readonly at: number
}

/** When the first needed certificate of a chain ends, in seconds since the epoch; undefined if unknown. */
export function endSeconds(shown: Shown | undefined): number | undefined {
  const first = shown && decisive(shown.chain, shown.verified, shown.at)
  return first && first.notAfter / 1000
}

/** Says that a verified chain ends within `warningMs`. */
export const endsSoonIn = (shown: Shown | undefined, warningMs: number): string | undefined =>
  shown?.verified ? endsSoon(shown.chain, shown.at, warningMs) : undefined

/** The chain that an error was about, if any. */
export const shownIn = (error: unknown): Shown | undefined =>
  error instanceof CertificateRefused ? { chain: error.chain, verified: false, at: Date.now() } : undefined

const nameCode = 'ERR_TLS_CERT_ALTNAME_INVALID'

/**
 * Whether a server refused us for want of a client certificate, or because of ours. TLS 1.3 sends that alert after the
 * handshake, with a code of its own; earlier versions during it, as EPROTO.
 */
export const wantsClientCertificate = ({
  code = '',
  text,
}: {
  readonly code: string | undefined
  readonly text: string
}): boolean =>
  /ALERT_(NO_CERTIFICATE|CERTIFICATE_\w+|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA)$/.test(code) ||
  / alert (unknown ca|no certificate|certificate \w+|(bad|unsupported) certificate) \(/.test(text)

/** Checks that the certificate is for a name. Returns Node's error code if not. */
export const nameProblem = (socket: tls.TLSSocket, expected: string): string[] =>
  tls.checkServerIdentity(expected, socket.getPeerCertificate()) ? [nameCode] : []

/** The chain as a line of a transcript. */
export const chainInWords = ({ certificates, names }: Chain): string =>
  [
    `the certificate is for ${names.slice(0, 200) || 'no name'}`,
    ...certificates.map(({ name, notAfter }, depth) => `${depth}: ${quoted(name)} until ${day(notAfter)}`),
  ].join('; ')

interface Clause {
  readonly subject: string
  readonly predicate: string
}

/**
 * What is wrong with a chain, naming the certificate: `the intermediate certificate "R3" (depth 1) expired on
 * 2025-09-15`. `problems` are codes of https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes;
 * `expected` is the name it should be for.
 */
export function whatIsWrong(
  chain: Chain,
  { problems, expected, at }: { problems: readonly string[]; expected: string; at: number },
): string {
  const clauses = [...dateClauses(chain, problems, at), ...problems.flatMap(code => clauseOf(chain, code, expected))]
  return clauses
    .map(({ subject, predicate }, i) => (clauses[i - 1]?.subject === subject ? predicate : `${subject} ${predicate}`))
    .join(', and ')
}

const dateCodes = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

/** OpenSSL names one problem, but not its certificate. */
function dateClauses(chain: Chain, problems: readonly string[], at: number): Clause[] {
  if (problems.every(code => code === nameCode)) return []
  const clauses = chain.certificates.flatMap((one): Clause[] => {
    const subject = called(chain, one)
    if (one.notAfter <= at) return [{ subject, predicate: `expired on ${day(one.notAfter)}` }]
    return one.notBefore > at ? [{ subject, predicate: `is not valid before ${day(one.notBefore)}` }] : []
  })
  const ofDates = problems.filter(code => dateCodes.includes(code))
  if (clauses.length === 0)
    return ofDates.map(code => ({
      subject: 'a certificate of the chain',
      predicate: `${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'} (${code})`,
    }))
  // Renewing it would not be enough.
  if (ofDates.length > 0 && !chain.anchored) clauses.push(...unknownAuthority(chain, undefined))
  return clauses
}

/** Kinds of problems with a chain. Each has another remedy. */
export type ChainFault = 'expired' | 'issuer expired' | 'not valid yet' | 'unknown authority' | 'other name' | 'other'

/** What is wrong with a chain, by kind. `problems` as in `whatIsWrong`. */
export function faultsOf(chain: Chain, problems: readonly string[], at: number): ReadonlySet<ChainFault> {
  const faults = new Set<ChainFault>(problems.flatMap(kindOf))
  if (problems.some(code => code !== nameCode))
    chain.certificates.forEach(({ notBefore, notAfter }, depth) => {
      if (notAfter <= at) faults.add(depth === 0 ? 'expired' : 'issuer expired')
      else if (notBefore > at) faults.add('not valid yet')
      if (!chain.anchored) faults.add('unknown authority')
    })
  return faults
}

/** The kind of a code without the chain. A date may be that of any certificate in it. */
export const faultOfCode = (code: string): ChainFault | undefined =>
  dateCodes.includes(code) ? 'expired' : kindOf(code).find(kind => kind !== 'other')

function kindOf(code: string): ChainFault[] {
  if (dateCodes.includes(code)) return []
  if (code === nameCode) return ['other name']
  return authorityCodes.includes(code) ? ['unknown authority'] : ['other']
}

const authorityCodes = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

function clauseOf(chain: Chain, code: string, expected: string): Clause[] {
  const subject = 'the certificate'
  if (dateCodes.includes(code)) return []
  if (code === nameCode)
    return [{ subject, predicate: `is not for ${expected} but for ${chain.names.slice(0, 100) || 'no name'}` }]
  if (authorityCodes.includes(code)) return unknownAuthority(chain, code)
  return [
    { subject, predicate: `does not verify (${code})` },
    ...(chain.anchored ? [] : unknownAuthority(chain, undefined)),
  ]
}

function unknownAuthority({ certificates }: Chain, code: string | undefined): Clause[] {
  const subject = 'the certificate'
  const last = certificates.at(-1)
  const shown = code === undefined ? '' : ` (${code})`
  if (certificates.length === 1 && last?.selfSigned) return [{ subject, predicate: 'is self-signed' }]
  if (last?.selfSigned)
    return [{ subject, predicate: `is by an authority that is not known here: ${quoted(last.name)}${shown}` }]
  const missing = last ? `: there is no certificate of ${quoted(last.issuer)}` : ''
  return [
    { subject, predicate: `is by an authority that is not known here, or its chain is incomplete${missing}${shown}` },
  ]
}

/** A certificate that was refused. The code is Node's. The message says what is wrong with which certificate. */
export class CertificateRefused extends Error {
  override readonly name = 'CertificateRefused'
  readonly code: string
  readonly chain: Chain
  constructor(code: string, text: string, chain: Chain) {
    super(text)
    this.code = code
    this.chain = chain
  }
}

/** What a handshake shows of the certificates, also if it ends with an error. */
export interface Handshake {
  /** Undefined until they have come. */
  chain(): Chain | undefined
  /** The error. An error of verification names the certificate. */
  explained(error: unknown): unknown
}

/**
 * Reads the certificates of a socket before its handshake ends, and leaves verification to Node. Node destroys a socket
 * whose certificate it refuses, and then nothing can be read from it. So they are read in the event in which Node
 * verifies. Without that event only the words would be poorer.
 */
export function watchHandshake(socket: tls.TLSSocket, expected: string, ca?: string | Buffer): Handshake {
  let chain: Chain | undefined
  socket.prependOnceListener('secure', () => {
    chain = chainOf(socket, ca)
  })
  return {
    chain: () => chain,
    explained(error) {
      const code = codeOf(error)
      if (!chain || code === undefined || !isOfVerification(code)) return error
      const text = whatIsWrong(chain, { problems: [code], expected, at: Date.now() })
      return new CertificateRefused(code, `TLS: ${text}`, chain)
    },
  }
}

/** By the names of OpenSSL and Node. The other errors of a handshake have codes such as ECONNRESET. */
const isOfVerification = (code: string): boolean =>
  code === nameCode || /^(?!ERR_).*CERT|^(?:UNABLE_TO_|INVALID_|PATH_LENGTH_|CRL_|ERROR_IN_|HOSTNAME_)/.test(code)
