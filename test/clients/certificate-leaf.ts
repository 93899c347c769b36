import type { CertificateLabels } from '../../src/core/probe.ts'

/** The labels of a certificate for one name, for tests that need a chain and no handshake. */
export const leafOf = (name: string, issuer = 'Example CA'): CertificateLabels => ({
  fingerprint_sha256: '0f'.repeat(32),
  subject: `CN=${name}`,
  issuer: `CN=${issuer}`,
  subjectalternative: name,
  serialnumber: '4d2',
})
