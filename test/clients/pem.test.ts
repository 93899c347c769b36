import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkedCertificates, checkedKeyPair } from '../../src/clients/pem.ts'
import { certificates, type Certificates } from '../servers/certificates.ts'

let made: Certificates
beforeAll(async () => {
  made = await certificates()
})

const damaged = (pem: string): string => pem.replace(/(BEGIN [A-Z ]+-----\n)[\s\S]{20}/, '$1AAAAAAAAAAAAAAAAAAAA')

describe('certificates', () => {
  it('are given back, without what cannot be read among them', () => {
    expect(checkedCertificates(made.ca, 'ca.crt')).toBe(made.ca.replace(/\r/g, '').trimEnd() + '\n')
    const both = `# an authority\n${damaged(made.good.cert)}\n${made.ca}\n`
    expect(checkedCertificates(both, 'ca.crt')).toBe(checkedCertificates(made.ca, 'ca.crt'))
    expect(checkedCertificates(`${made.ca}\n${made.good.cert}`, 'ca.crt').match(/BEGIN/g)).toHaveLength(2)
  })

  it.each<[string, (of: Certificates) => string, string]>([
    ['an empty file', () => '\n', 'ca.crt: is empty; expected a certificate in PEM'],
    ['something else', () => 'hunter2', 'ca.crt: is not PEM: it has no line -----BEGIN CERTIFICATE-----'],
    ['a key', of => of.good.key, 'ca.crt: holds a private key and no certificate'],
    ['a damaged certificate', of => damaged(of.ca), 'ca.crt: the certificate in it is damaged'],
    ['half of one', of => of.ca.slice(0, 200), 'ca.crt: the certificate in it is damaged'],
  ])('are not %s', (_, pem, message) => {
    expect(() => checkedCertificates(pem(made), 'ca.crt')).toThrow(message)
  })
})

describe('a certificate and its key', () => {
  const from = { cert: 'client.crt', key: 'client.key' }
  const pem = { type: 'pkcs8', format: 'pem' } as const
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { ...pem, cipher: 'aes-256-cbc', passphrase: 'hunter2' },
  }).privateKey

  it('are given back where they belong together, with a chain behind the certificate', () => {
    const { cert, key } = made.client
    expect(checkedKeyPair({ cert, key }, from)).toEqual({ cert, key })
    expect(() => checkedKeyPair({ cert: `${cert}\n${made.ca}`, key }, from)).not.toThrow()
  })

  it.each<[string, (of: Certificates) => { cert?: string; key?: string; passphrase?: string }, string]>([
    ['no certificate', () => ({ cert: '' }), 'client.crt: is empty; expected a certificate in PEM'],
    ['no key', () => ({ key: ' ' }), 'client.key: is empty; expected a private key in PEM'],
    [
      'the two exchanged',
      of => ({ cert: of.client.key, key: of.client.cert }),
      'client.crt: holds a private key and no',
    ],
    ['a certificate for a key', of => ({ key: of.client.cert }), 'client.key: holds a certificate and no private key'],
    ['a damaged key', of => ({ key: damaged(of.client.key) }), 'client.key: the private key in it is damaged'],
    [
      'a key that is encrypted',
      () => ({ key: encrypted }),
      'client.key: the private key is encrypted, and there is no',
    ],
    [
      'the wrong passphrase',
      () => ({ key: encrypted, passphrase: 'wrong' }),
      'client.key: the passphrase does not open the private key',
    ],
    [
      "another's key",
      of => ({ key: of.good.key }),
      'client.key: the key does not belong to the certificate of client.crt',
    ],
    [
      'the chain in the wrong order',
      of => ({ cert: `${of.ca}\n${of.client.cert}` }),
      'client.crt: the certificate of the key has to be the first, and it is number 2',
    ],
  ])('are not %s', (_, change, message) => {
    const { cert, key } = made.client
    expect(() => checkedKeyPair({ cert, key, ...change(made) }, from)).toThrow(message)
  })

  it('are not a key that TLS takes for too weak', () => {
    expect(() => checkedKeyPair(weak, from)).toThrow(
      'client.crt: TLS refuses the certificate or its key: ee key too small',
    )
  })
})

/** An RSA key of 512 bits with a certificate of its own; made by openssl. */
const weak = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBdzCCASGgAwIBAgIUVbInfaYlcyyFadL8LZFckvY3MeowDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMjkyMzI3NDFaGA8yMTI2MTEwNTIz
Mjc0MVowDzENMAsGA1UEAwwEd2VhazBcMA0GCSqGSIb3DQEBAQUAA0sAMEgCQQDJ
WuYnksdjpTrMRuUzraQ2Ar1oukT1OuPn2tEEspNm+Qb/vSBr3JBagzx1pXao5j4c
43FO+xWc1Vt1EOdqfLZhAgMBAAGjUzBRMB0GA1UdDgQWBBTtUGs3Y0EjGZtGeqCl
GlHWa4vpjDAfBgNVHSMEGDAWgBTtUGs3Y0EjGZtGeqClGlHWa4vpjDAPBgNVHRMB
Af8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA0EAdyTZ/tAafRo+B90lcWkbPwhYpUOh
Y6GEljVolqBEj1bUDHAOl/LtqAchCZfYo8LXC6qP3eIxk7j5MEnZCE/AOQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEAyVrmJ5LHY6U6zEbl
M62kNgK9aLpE9Trj59rRBLKTZvkG/70ga9yQWoM8daV2qOY+HONxTvsVnNVbdRDn
any2YQIDAQABAkAExkUC1zYnJLnaMiwpJ4rnRPVc0F3mOrlAvC2MoPdhz6cWOzvW
QgC2zL4BJdpDNKANTW1t8Akpab6XqVzfmnthAiEA7EvsWGzCqOMPR7YZ4uX2KX0r
6uV37Jcq8gBYlATVh90CIQDaJRnpr7mJw6aP8qMRHbnXBkS/g/VOV+Jr3C6EqKRi
VQIgXj+6OVrIGczXH2dG0/WdRdcjWUHFn5x8CKKSshdrhBECIQCPjgrXdgSrXE2o
PQyCnwVFM6LaRYSQ4dTnFiamtjQ3YQIhAOfwir8/OTGyyGxi5ueR9NjQ2aYEgmfu
t9TIospONcyz
-----END PRIVATE KEY-----
`,
}
