import { describe, expect, it } from 'vitest'
import type { DkimKey } from '../../../src/probes/dns/dkim/key.ts'
import type { DmarcSeen } from '../../../src/probes/dns/dmarc/index.ts'
import { dmarcReasons } from '../../../src/probes/dns/judge/dmarc.ts'
import type { SpfResult, SpfSeen } from '../../../src/probes/dns/spf/seen.ts'
import type { DnsTarget } from '../../../src/probes/dns/target.ts'

const found: DmarcSeen = {
  kind: 'found',
  name: '_dmarc.example.com',
  policy: 'reject',
  tag: 'p',
  isTesting: false,
  reports: true,
  refusedReports: [],
  ignored: [],
  outdated: [],
  alignment: { spf: 'relaxed', dkim: 'relaxed' },
  organizations: new Map([
    ['app.example.com', 'example.com'],
    ['bounce.example.com', 'example.com'],
    ['example.com', 'example.com'],
    ['mail.example.net', 'example.net'],
    ['other.example.com', 'other.example.com'],
  ]),
}
const key: DkimKey = { kind: 'key', algorithm: 'rsa', bits: 2048, isTesting: false, hashes: undefined, isForMail: true }

const sender = { sender: '192.0.2.10', address: '192.0.2.10', why: '`-all` in app.example.com' }
const spfOf = (record: SpfSeen['record'], ...results: SpfResult[]): SpfSeen => ({
  record,
  text: 'v=spf1 ip4:192.0.2.10 -all',
  errors: [],
  permissive: [],
  deprecated: [],
  lookups: 0,
  voidLookups: 0,
  senders: results.map(result => ({ ...sender, result })),
})
const passes = spfOf('found', 'pass')

interface Case {
  readonly dmarc?: Partial<DmarcSeen>
  readonly envelope?: string
  /** Domains that DKIM signs for. */
  readonly signers?: readonly string[] | undefined
  readonly key?: DkimKey
  readonly isAwaitingSes?: boolean
  readonly spf?: SpfSeen
  readonly target?: Partial<Pick<DnsTarget, 'bulk' | 'expect'>>
}
function judged({
  dmarc,
  envelope = 'app.example.com',
  signers,
  key: of = key,
  isAwaitingSes = false,
  spf = passes,
  target,
}: Case): string[] {
  const dkim = signers?.map(domain => ({ selector: 's1', name: `s1._domainkey.${domain}`, domain, key: of }))
  const seen = { domain: 'app.example.com', envelope, spf, dkim, dmarc: { ...found, ...dmarc }, isAwaitingSes }
  return dmarcReasons(seen, { bulk: false, ...target }).map(({ code, verdict, text }) => `${verdict} ${code}: ${text}`)
}
const bulk = { bulk: true }
const gone = { kind: 'missing', name: '_dmarc.app.example.com' } as const
const wrong = { kind: 'invalid', problem: 'has no `p`' } as const

describe('the record', () => {
  it.each<[what: string, one: Case, said: readonly string[]]>([
    ['all is well', {}, []],
    ['not answered', { dmarc: { kind: 'unanswered' }, target: bulk }, []],
    [
      'none',
      { dmarc: gone },
      ['warn dns_dmarc_missing: _dmarc.app.example.com has no DMARC record, nor has a domain above it'],
    ],
    [
      'none, and much mail',
      { dmarc: gone, target: bulk },
      [expect.stringMatching(/^fail dns_dmarc_missing/) as string],
    ],
    ['wrong', { dmarc: wrong }, ['warn dns_dmarc_invalid: _dmarc.example.com: the record has no `p`']],
    [
      'wrong, and much mail',
      { dmarc: wrong, target: bulk },
      [expect.stringMatching(/^fail dns_dmarc_invalid/) as string],
    ],
    [
      'an error in it',
      { dmarc: { ignored: ['_dmarc.example.com has the tag `p` twice'] }, target: bulk },
      ['warn dns_dmarc_invalid: _dmarc.example.com has the tag `p` twice'],
    ],
    [
      'old tags',
      { dmarc: { outdated: ['pct=20', 'ri=1'] } },
      ['warn dns_dmarc_outdated: _dmarc.example.com has `pct=20`, `ri=1`, which RFC 9989 took away'],
    ],
    [
      'weaker than expected',
      { dmarc: { policy: 'none', tag: 'sp' }, target: { expect: { dmarc: 'quarantine' } } },
      ['warn dns_dmarc_weaker: _dmarc.example.com: the policy is none (`sp`), and quarantine is expected'],
    ],
    ['as strong as expected', { target: { expect: { dmarc: 'reject' } } }, []],
    ['stronger than expected', { target: { expect: { dmarc: 'none' } } }, []],
    ['a policy that is not known', { dmarc: { policy: undefined }, target: { expect: { dmarc: 'reject' } } }, []],
    [
      'tested',
      { dmarc: { isTesting: true } },
      ['warn dns_dmarc_testing: _dmarc.example.com has `t=y`, so that quarantine is applied, not reject'],
    ],
    ['tested, without any effect', { dmarc: { isTesting: true, policy: 'none' } }, []],
    [
      'no reports',
      { dmarc: { policy: 'none', reports: false } },
      ['warn dns_dmarc_unmonitored: _dmarc.example.com: the policy is none (`p`), and there is no `rua`'],
    ],
    ['no reports, and a policy', { dmarc: { reports: false } }, []],
    [
      'reports that are refused',
      { dmarc: { refusedReports: [{ address: 'r@example.net', name: 'example.com._report._dmarc.example.net' }] } },
      [
        'warn dns_dmarc_reports_refused: _dmarc.example.com: reports go to r@example.net, and example.com._report._dmarc.example.net has no TXT record with `v=DMARC1`',
      ],
    ],
  ])('%s', (_, one, said) => {
    expect(judged(one)).toEqual(said)
  })
})

describe('alignment', () => {
  const envelope = 'mail.example.net'
  const own = ['example.com']
  const code = (one: Case) => judged(one).map(text => text.split(':')[0])
  const warns = ['warn dns_dmarc_not_aligned']
  const fails = ['fail dns_dmarc_not_aligned']

  it('says what does not align, and why', () => {
    expect(judged({ envelope, signers: ['mail.example.net'] })).toEqual([
      'fail dns_dmarc_not_aligned: mail.example.net, the domain of the envelope, does not align with app.example.com (organizational domains: example.net, and example.com); mail.example.net, the domain of DKIM, does not align with app.example.com (organizational domains: example.net, and example.com)',
    ])
    expect(
      judged({ envelope: 'bounce.example.com', dmarc: { alignment: { spf: 'strict', dkim: 'relaxed' } } }),
    ).toEqual([
      'warn dns_dmarc_not_aligned: bounce.example.com, the domain of the envelope, does not align with app.example.com (`aspf=s` asks for the same domain)',
    ])
  })

  it.each<[what: string, one: Case, said: readonly string[]]>([
    ['both align', { envelope: 'bounce.example.com', signers: own }, []],
    ['the envelope of a provider, and DKIM of the own domain', { envelope, signers: own }, []],
    [
      'the same, and strict',
      { envelope, signers: own, dmarc: { alignment: { spf: 'strict', dkim: 'relaxed' } } },
      warns,
    ],
    ['the same, and the key is revoked', { envelope, signers: own, key: { kind: 'revoked' } }, fails],
    ['the same, and the key is not known', { envelope, signers: own, key: { kind: 'unanswered' } }, []],
    ['DKIM of a provider, and the own envelope', { signers: [envelope] }, warns],
    ['the same, and SPF does not pass', { signers: [envelope], spf: spfOf('found', 'fail') }, fails],
    ['the same, and there is no SPF', { signers: [envelope], spf: spfOf('missing') }, fails],
    ['the same, and SPF is not known', { signers: [envelope], spf: spfOf('found', 'temperror') }, warns],
    ['SPF does not pass, and DKIM of the own domain', { signers: own, spf: spfOf('found', 'fail') }, []],
    ['DKIM of both', { signers: [envelope, 'example.com'] }, []],
    ['neither aligns', { envelope, signers: [envelope] }, fails],
    ['nothing signs', { envelope, signers: [] }, fails],
    ['it is not known whether anything signs', { envelope }, warns],
    ['what SES signs with is not known yet', { envelope, signers: [envelope], isAwaitingSes: true }, warns],
    ['neither, and the policy is none', { envelope, signers: [], dmarc: { policy: 'none' } }, warns],
    [
      'neither, and quarantine is tested',
      { envelope, signers: [], dmarc: { policy: 'quarantine', isTesting: true } },
      ['warn dns_dmarc_testing', ...warns],
    ],
    [
      'neither, and reject is tested',
      { envelope, signers: [], dmarc: { isTesting: true } },
      ['warn dns_dmarc_testing', ...fails],
    ],
    [
      'neither, the policy is none, and much mail',
      { envelope, signers: [], dmarc: { policy: 'none' }, target: bulk },
      fails,
    ],
    ['an organizational domain that is not known', { envelope: 'x.example.org', signers: [] }, []],
    // By a list of public suffixes these two align.
    [
      'neither by RFC 9989, and both by RFC 7489',
      { envelope: 'other.example.com', signers: ['other.example.com'] },
      warns,
    ],
    ['no record', { envelope, signers: [], dmarc: gone }, ['warn dns_dmarc_missing']],
  ])('%s', (_, one, said) => {
    expect(code(one)).toEqual(said)
  })
})
