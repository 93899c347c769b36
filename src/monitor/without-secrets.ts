import { isIP } from 'node:net'
import type { CertificateLabels, Finding } from '../core/probe.ts'
import type { Sample } from '../core/metric.ts'
import { blot } from '../core/redact.ts'

/** Only the label `version` is a text of a server. The other labels have known values, or values of the configuration. */
export const withoutSecrets = (sample: Sample, redact: (text: string) => string): Sample =>
  sample.labels['version'] === undefined
    ? sample
    : { ...sample, labels: { ...sample.labels, version: redact(sample.labels['version']) } }

/** Redacts texts only. Codes and verdicts stay: a password may be "postgres". */
export const saidWithout = (
  seen: unknown,
  { evidence, reasons, certificate }: Finding,
  redact: (text: string) => string,
) => ({
  seen: blotted(seen, redact),
  evidence: redact(evidence),
  reasons: reasons.map(reason => ({ ...reason, text: redact(reason.text), remedy: redact(reason.remedy) })),
  certificate: certificate && certificateWithout(certificate, redact),
})

/** All labels but the fingerprint are texts of the server. The fingerprint can hold no secret, and has to stay the same. */
const certificateWithout = (one: CertificateLabels, redact: (text: string) => string): CertificateLabels => ({
  fingerprint_sha256: one.fingerprint_sha256,
  subject: redact(one.subject),
  issuer: redact(one.issuer),
  subjectalternative: redact(one.subjectalternative),
  serialnumber: redact(one.serialnumber),
})

/**
 * Addresses, numbers, times and words stay, since checks are compared and judged by them. They stay even where a password is
 * `streaming`, `2026` or the address itself. Only a number that is the whole secret goes.
 */
function withoutSecret(text: string, redact: (text: string) => string): string {
  if (/^[a-z_]{1,20}$/.test(text) || isIP(text) !== 0) return text
  const clean = redact(text)
  const isNumber = /^[\dA-FT.:-]{1,40}$/.test(text) && clean !== blot
  return isNumber ? text : clean
}

/** No probe sees anything this deep, unless it repeats what a server sent. */
const maxDepth = 200

/** A copy without secrets in any text. What is no plain object stays as it is, and what is too deep goes. */
function blotted<T>(value: T, redact: (text: string) => string, depth?: number): T
function blotted(value: unknown, redact: (text: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return withoutSecret(value, redact)
  if (depth > maxDepth) return undefined
  if (Array.isArray(value)) return value.map(item => blotted(item as unknown, redact, depth + 1))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, blotted(item as unknown, redact, depth + 1)]),
  )
}
