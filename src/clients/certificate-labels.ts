import type { X509Certificate } from 'node:crypto'
import type { CertificateLabels } from '../core/probe.ts'
import { ellipsis, visible } from '../core/shown.ts'

/** A name has at most this many characters, the list of names this many bytes, a serial number this many digits. */
const longest = { name: 200, names: 500, serial: 40 }

/**
 * What an info metric says of a certificate. The certificate is a text from outside, so each label has a limit. Mail
 * addresses, IP addresses and URLs are left out: they are never label values.
 */
export const labelsOf = (one: X509Certificate): CertificateLabels => ({
  fingerprint_sha256: one.fingerprint256.replaceAll(':', '').toLowerCase(),
  subject: distinguished(one.subject),
  issuer: distinguished(one.issuer),
  subjectalternative: hostNames(one.subjectAltName ?? ''),
  serialnumber: one.serialNumber
    .toLowerCase()
    .replace(/^0+(?=.)/, '')
    .slice(0, longest.serial),
})

/** Part of a value that is a mail address, a URL, or an address of IPv4 or IPv6. */
const address = /@|:\/\/|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|::|(?:[\da-f]{1,4}:){3}/i

/** A name in the form of RFC 4514, `CN=mail.example.com,O=Example`. Node has one line for each part, in the other order. */
function distinguished(name: string | undefined): string {
  const parts = (name ?? '').split('\n').reverse()
  const plain = parts.filter(part => !address.test(part.slice(part.indexOf('=') + 1)))
  return visible(plain.join(','), longest.name)
}

/** One entry of the list of names, as OpenSSL prints it. Node quotes an entry that has a comma in it. */
const entry = /(\w[\w ]*):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y
const hostName = /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?$/

/** The host names in the list, with commas between them; an ellipsis stands for those for which there is no room. */
function hostNames(list: string): string {
  const names: string[] = []
  let bytes = 0
  for (const [, kind, name = ''] of everyEntry(list)) {
    if (kind !== 'DNS' || !hostName.test(name) || address.test(name)) continue
    bytes += name.length + 1
    if (bytes > longest.names) return [...names, ellipsis].join(',')
    names.push(name)
  }
  return names.join(',')
}

function* everyEntry(list: string): Generator<RegExpExecArray> {
  const pattern = new RegExp(entry)
  for (let found = pattern.exec(list); found && found[0] !== ''; found = pattern.exec(list)) yield found
}
