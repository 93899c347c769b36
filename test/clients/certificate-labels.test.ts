/** The labels of a certificate are texts of whoever made it. */
import { X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labelsOf } from '../../src/clients/certificate-labels.ts'
import type { CertificateLabels } from '../../src/core/probe.ts'
import { have, needs, removeFolder, tempFolder } from '../servers/processes.ts'

let folder: string
beforeAll(() => (folder = tempFolder('mailpath-certificate-')))
afterAll(() => removeFolder(folder))

/** The labels of a self-signed certificate with this name and these others, in the form of the openssl command. */
function labelled(subject: string, names: readonly string[], serial = '0x4d2'): CertificateLabels {
  const key = path.join(folder, 'key')
  const config = path.join(folder, 'config')
  const list = names.map((name, i) => name.replace(':', `.${i} = `)).join('\n')
  writeFileSync(config, `[req]\ndistinguished_name = name\n[name]\n[names]\nsubjectAltName = @list\n[list]\n${list}\n`)
  const pem = execFileSync(
    'openssl',
    // prettier-ignore
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-config', config,
      '-utf8', '-subj', subject, '-set_serial', serial, ...(names.length > 0 ? ['-extensions', 'names'] : [])],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const one = new X509Certificate(pem)
  const labels = labelsOf(one)
  expect(labels.fingerprint_sha256).toBe(one.fingerprint256.replaceAll(':', '').toLowerCase())
  return labels
}

describe.skipIf(!needs('openssl', have('openssl'), 'apt-get install openssl'))('the labels of a certificate', () => {
  it('are its names, its issuer, and its number, as other exporters have them', () => {
    expect(
      labelled('/C=DE/O=Example, Inc./CN=mail.example.com', ['DNS:mail.example.com', 'DNS:*.example.com']),
    ).toEqual({
      fingerprint_sha256: expect.stringMatching(/^[\da-f]{64}$/) as string,
      subject: String.raw`CN=mail.example.com,O=Example\, Inc.,C=DE`,
      issuer: String.raw`CN=mail.example.com,O=Example\, Inc.,C=DE`,
      subjectalternative: 'mail.example.com,*.example.com',
      serialnumber: '4d2',
    })
  })

  it.each<[what: string, subject: string, kept: string]>([
    ['a mail address', '/O=Example/CN=mx/emailAddress=root@example.com', 'CN=mx,O=Example'],
    ['an address of IPv4', '/O=Example/CN=192.0.2.7', 'O=Example'],
    ['one with a port', '/O=Example/CN=192.0.2.7:5432', 'O=Example'],
    ['an address of IPv6', '/O=Example/CN=2001:db8::7', 'O=Example'],
    ['a URL', String.raw`/O=Example/CN=https:\/\/example.com\/x`, 'O=Example'],
    ['nothing else', '/CN=192.0.2.7', ''],
  ])('leave out %s in the subject', (_, subject, kept) => {
    expect(labelled(subject, []).subject).toBe(kept)
  })

  it('leave out what is no host name among the others', () => {
    const names = [
      'email:root@example.com',
      'IP:192.0.2.7',
      'IP:2001:db8::7',
      'URI:https://example.com/,DNS:forged.example',
      'DNS:192.0.2.8',
      'DNS:two words',
      'DNS:root@example.com',
      'DNS:a.example\\, DNS:forged.example',
      'DNS:good.example',
    ]
    expect(labelled('/CN=x', names).subjectalternative).toBe('good.example')
  })

  it('hide nothing, and break no line', () => {
    const { subject } = labelled('/CN=a\u202eb\u0007c\nd\u200be', [])
    expect(subject).toMatch(/^CN=[ -~]+$/)
  })

  it('have a limit', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `DNS:host-${i}.example`)
    const long = labelled(
      `/O=${'ü'.repeat(64)}/OU=${'x'.repeat(64)}/CN=${'y'.repeat(64)}`,
      many,
      `0x7f${'ab'.repeat(30)}`,
    )
    expect(long.subjectalternative).toMatch(/^host-0\.example,host-1\.example,.*\.example,…$/)
    expect(Buffer.byteLength(long.subjectalternative)).toBeLessThanOrEqual(510)
    expect(long.subject.length).toBeLessThanOrEqual(200)
    expect(Buffer.byteLength(long.subject)).toBeLessThanOrEqual(600)
    expect(long.serialnumber).toHaveLength(40)
  })
})
