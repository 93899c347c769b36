import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDns } from '../../../src/clients/dns/index.ts'
import { lookAtDkim } from '../../../src/probes/dns/dkim/index.ts'
import { lookAtDmarc } from '../../../src/probes/dns/dmarc/index.ts'
import { nsdBinary, nsdInstall, startNsd, txt, type Nsd } from '../../servers/nsd.ts'
import { rsa2048 } from './keys.ts'

const here = nsdBinary()

describe.skipIf(here === undefined)(`keys and policies that NSD serves (${here ?? nsdInstall})`, () => {
  let nsd: Nsd
  beforeAll(async () => {
    nsd = await startNsd({
      zones: {
        '.': ['com NS ns.invalid.'],
        com: ['nothing TXT "x"'],
        'example.com': [
          // In two strings, since one holds 255 bytes.
          txt('s1._domainkey.app', `v=DKIM1; k=rsa; p=${rsa2048}`),
          's2._domainkey.app CNAME s2.keys',
          txt('s2.keys', 'v=DKIM1; p='),
          's3._domainkey.app CNAME s3.elsewhere.example.org.',
          txt('_dmarc', 'v=DMARC1; p=reject; sp=quarantine; rua=mailto:r@example.com'),
          'app A 192.0.2.1',
        ],
      },
    })
  })
  afterAll(() => nsd.stop())
  const dns = () => openDns({ servers: [nsd.address], signal: AbortSignal.timeout(10_000), note: () => undefined })

  it('are read, by way of a CNAME too', async () => {
    const question = { domain: 'app.example.com', selectors: ['s1', 's2', 's3', 's4'], tokens: undefined }
    const keys = await lookAtDkim(dns(), question)
    expect(keys?.map(({ key }) => key)).toEqual([
      { kind: 'key', algorithm: 'rsa', bits: 2048, isTesting: false, hashes: undefined, isForMail: true },
      { kind: 'revoked' },
      { kind: 'missing' },
      { kind: 'missing' },
    ])
  })

  it('are those that SES asks for, with where each CNAME leads', async () => {
    const tokens = { identity: 'app.example.com', tokens: ['s2', 's3', 's4'], zone: 'keys.example.com' }
    const records = await lookAtDkim(dns(), { domain: 'app.example.com', selectors: undefined, tokens })
    expect(records?.map(({ ses }) => ses)).toEqual([
      { target: 's2.keys.example.com', leadsTo: { name: 's2.keys.example.com' } },
      { target: 's3.keys.example.com', leadsTo: { name: 's3.elsewhere.example.org' } },
      { target: 's4.keys.example.com', leadsTo: undefined },
    ])
  })

  it('are not known while the server is silent', async () => {
    nsd.pause()
    const silent = openDns({
      servers: [nsd.address],
      signal: AbortSignal.timeout(3_000),
      note: () => undefined,
      timeoutMs: 1_000,
    })
    const [unknown] =
      (await lookAtDkim(silent, { domain: 'app.example.com', selectors: ['s1'], tokens: undefined })) ?? []
    nsd.resume()
    expect(unknown?.key).toEqual({ kind: 'unanswered' })
  })

  it('name the policy for a domain below', async () => {
    expect(
      await lookAtDmarc(dns(), { domain: 'app.example.com', envelope: 'b.example.com', dkimDomains: [] }),
    ).toMatchObject({
      kind: 'found',
      name: '_dmarc.example.com',
      policy: 'quarantine',
      tag: 'sp',
      refusedReports: [],
      organizations: new Map([
        ['app.example.com', 'example.com'],
        ['b.example.com', 'example.com'],
      ]),
    })
  })
})
