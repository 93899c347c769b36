import { createPublicKey } from 'node:crypto'
import { bounded } from '../../../clients/dns/index.ts'
import { repeatedIn, tagsOf, type Tag } from './tags.ts'

/** What the TXT records at the name of a selector hold (RFC 6376, 3.6.1; RFC 8463). */
export type DkimKey =
  /** Nothing is known of it. */
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'revoked' }
  /** `problem` completes "the record …". */
  | { readonly kind: 'invalid'; readonly problem: string }
  | {
      readonly kind: 'key'
      readonly algorithm: 'rsa' | 'ed25519'
      readonly bits: number
      readonly isTesting: boolean
      /** Undefined: all. */
      readonly hashes: readonly string[] | undefined
      /** `s=` has email, or *. */
      readonly isForMail: boolean
    }

/** Shorter ones are not taken by receivers (RFC 8301, 3.2). */
export const leastBits = 1024

/** Whether receivers can check signatures with it (RFC 8301: SHA-256, and RSA of 1024 bits or more). Undefined: not known. */
export function isUsable(key: DkimKey): boolean | undefined {
  if (key.kind === 'unanswered') return undefined
  if (key.kind !== 'key') return false
  return key.isForMail && takesSha256(key) && (key.algorithm === 'ed25519' || key.bits >= leastBits)
}

/** Signers use no other hash since RFC 8301. */
export const takesSha256 = (key: DkimKey & { readonly kind: 'key' }): boolean => key.hashes?.includes('sha256') ?? true

const invalid = (problem: string): DkimKey => ({ kind: 'invalid', problem })

/** The key in the TXT records at the name of a selector; there is one record at least. */
export function keyIn(records: readonly string[]): DkimKey {
  const [record = ''] = records
  if (records.length > 1)
    return invalid(`is one of ${records.length} TXT records there, and which one a receiver takes is not known`)
  const tags = tagsOf(record)
  const problem = problemOf(record, tags)
  return problem === undefined ? keyOf(new Map(tags.map(({ name, value = '' }) => [name, value]))) : invalid(problem)
}

/** What is wrong with the form of the record. */
function problemOf(record: string, tags: readonly Tag[]): string | undefined {
  const [first] = tags
  const noTag = tags.find(({ name, value }) => value === undefined || !/^[A-Za-z]\w*$/.test(name))
  if (first?.name === 'v' && first.value?.startsWith('spf1')) return 'is an SPF record, and no key'
  if (record.includes('\\;')) return 'has `\\;` in it: the backslashes belong only into the file of the zone'
  if (noTag) return `has a part that is not \`name=value\`: \`${bounded(noTag.name)}\``
  const repeated = repeatedIn(tags)
  if (repeated !== undefined) return `has the tag \`${bounded(repeated)}\` twice`
  const version = tags.find(({ name }) => name === 'v')
  if (version && version !== first) return 'has `v=` not as its first tag'
  if (version && version.value !== 'DKIM1') return `has the version \`${bounded(version.value ?? '')}\`, not DKIM1`
  return undefined
}

function keyOf(tags: ReadonlyMap<string, string>): DkimKey {
  const data = tags.get('p')?.replace(/[ \t\r\n]+/g, '')
  if (data === undefined) return invalid('has no key (`p=`)')
  if (data === '') return { kind: 'revoked' }
  const algorithm = tags.get('k') ?? 'rsa'
  if (algorithm !== 'rsa' && algorithm !== 'ed25519')
    return invalid(`is of a kind that receivers do not know (\`k=${bounded(algorithm)}\`)`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return invalid('has characters in `p=` that do not belong to base64')
  const bytes = Buffer.from(data, 'base64')
  const bits = algorithm === 'rsa' ? bitsOfRsa(bytes) : bitsOfEd25519(bytes)
  return typeof bits === 'string'
    ? invalid(bits)
    : {
        kind: 'key',
        algorithm,
        bits,
        isTesting: listOf(tags.get('t'))?.includes('y') ?? false,
        hashes: listOf(tags.get('h')),
        isForMail: listOf(tags.get('s'))?.some(service => service === '*' || service === 'email') ?? true,
      }
}

/** The values of a tag with colons between. */
const listOf = (value: string | undefined): readonly string[] | undefined =>
  value?.split(':').map(item => item.trim().toLowerCase())

/** The length of a key, or what is wrong with it. The form is SubjectPublicKeyInfo, as OpenSSL writes it (RFC 6376, Appendix C). */
function bitsOfRsa(bytes: Buffer): number | string {
  if (bytes.length === ed25519Length) return 'holds no RSA key, but 32 bytes as of ed25519 (`k=ed25519` is missing)'
  const length = lengthOfDer(bytes)
  if (length !== undefined && length > bytes.length)
    return `holds only the first ${bytes.length} of the ${length} bytes of its key: the rest of \`p=\` is missing`
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
    const bits = asymmetricKeyDetails?.modulusLength
    return asymmetricKeyType === 'rsa' && bits !== undefined ? bits : 'holds a key in `p=` that is not for RSA'
  } catch {
    return isBareRsa(bytes) ? bareRsa : 'holds no RSA key in `p=` that can be read'
  }
}

/** RFC 6376, 3.6.1 means this form by its words, but verifiers such as OpenDKIM and mailauth read only the other one. */
function isBareRsa(bytes: Buffer): boolean {
  try {
    return createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' }).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}
const bareRsa =
  'holds a bare RSAPublicKey in `p=`, which many receivers do not read: it has to be a SubjectPublicKeyInfo (as of `openssl rsa -pubout`)'

/** RFC 8463, 4: the bytes of the key itself. */
const ed25519Length = 32
const bitsOfEd25519 = (bytes: Buffer): number | string =>
  bytes.length === ed25519Length
    ? 256
    : `holds ${bytes.length} bytes in \`p=\`, and a key of ed25519 has ${ed25519Length}`

/** How long the SEQUENCE at the start says that it is, with its own head. */
function lengthOfDer(bytes: Buffer): number | undefined {
  const [tag, size = 0] = bytes
  if (tag !== 0x30) return undefined
  if (size < 0x80) return size + 2
  const octets = size & 0x7f
  return octets >= 1 && octets <= 4 && bytes.length >= 2 + octets ? bytes.readUIntBE(2, octets) + 2 + octets : undefined
}
