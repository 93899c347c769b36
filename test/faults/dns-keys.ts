/** Keys of DKIM and the record of DMARC break. SPF goes on to pass, so mail is `warn`. */
import { domain, envelope, keys, rsaKey, selectors } from './dns-records.ts'
import { areaOf, fails, ok, publish, records, sentFrom, series, warns, type Row } from './dns-stage.ts'
import type { Expectation } from './fault.ts'

const first = `${selectors[0]} TXT`
const second = 's2.keys.example.net TXT'
const usable = (selector: 's1' | 's2') => series('dkim_usable', `selector="${selector}"`)
const bits = (selector: 's1' | 's2') => series('dkim_key_bits', `selector="${selector}"`)
const key = (name: string, text: string, seen: Expectation): Row => records(`DKIM: ${name}`, { [first]: [text] }, seen)

const dkim: readonly Row[] = [
  records('DKIM: a key is gone', { [first]: [] }, warns('dkim_missing', { [usable('s1')]: 0, [usable('s2')]: 1 })),
  {
    name: 'DNS: DKIM: the alias of a key leads nowhere',
    inject: stage => publish(stage, { [second]: [] }, [`${selectors[1]} TXT`]),
    seen: warns('dkim_missing', { [usable('s2')]: 0 }),
  },
  key('a key is revoked', 'v=DKIM1; k=rsa; p=', warns('dkim_revoked', { [usable('s1')]: 0 })),
  key('a key was cut off', rsaKey(keys.good.slice(0, 200)), warns('dkim_invalid', { [usable('s1')]: 0 })),
  key('a key is one of 1024 bits', rsaKey(keys.short), warns('dkim_weak', { [bits('s1')]: 1024, [usable('s1')]: 1 })),
  key('a key is only tested', `v=DKIM1; t=y; p=${keys.good}`, warns('dkim_testing')),
  key('a key is for SHA-1 only', `v=DKIM1; h=sha1; p=${keys.good}`, warns('dkim_weak')),
  key('a key is not for mail', `v=DKIM1; s=tlsrpt; p=${keys.good}`, warns('dkim_invalid')),
  records(
    'DKIM: all keys are ed25519',
    { [first]: [`v=DKIM1; k=ed25519; p=${keys.ed25519}`], [second]: [`v=DKIM1; k=ed25519; p=${keys.ed25519}`] },
    warns('dkim_weak'),
  ),
  key('one key is ed25519, beside one of RSA', `v=DKIM1; k=ed25519; p=${keys.ed25519}`, ok()),
]

const policy = '_dmarc.example.com TXT'
const rua = 'rua=mailto:dmarc@example.net'
const dmarc = (name: string, texts: string | readonly string[], seen: Expectation): Row =>
  records(`DMARC: ${name}`, { [policy]: [texts].flat() }, seen)
const state = (which: string) => series('dmarc_policy', `policy="${which}"`)

const policies: readonly Row[] = [
  dmarc('there is no record, here or above', [], warns('dmarc_missing', { [state('reject')]: null })),
  dmarc('there are two records', [`v=DMARC1; p=reject; ${rua}`, 'v=DMARC1; p=none'], warns('dmarc_invalid')),
  dmarc('the policy is a wrong word', 'v=DMARC1; p=rejected', warns('dmarc_invalid')),
  dmarc(
    'the policy is weaker than is expected',
    `v=DMARC1; p=none; ${rua}`,
    warns('dmarc_weaker', { [state('none')]: 1 }),
  ),
  dmarc('that of domains below is weaker', `v=DMARC1; p=reject; sp=none; ${rua}`, warns('dmarc_weaker')),
  records(
    'DMARC: the domain has a record of its own, and a weaker one',
    {
      [`_dmarc.${domain} TXT`]: [`v=DMARC1; p=none; ${rua}`],
      [`${domain}._report._dmarc.example.net TXT`]: ['v=DMARC1'],
    },
    warns('dmarc_weaker'),
  ),
  dmarc('it does nothing', 'v=DMARC1; p=none', warns(['dmarc_weaker', 'dmarc_unmonitored'])),
  dmarc('it is only tested', `v=DMARC1; p=reject; t=y; ${rua}`, warns('dmarc_testing')),
  dmarc('it has tags that are no more', `v=DMARC1; p=reject; pct=50; ${rua}`, warns('dmarc_outdated')),
  dmarc(
    'reports go where they are not wanted',
    'v=DMARC1; p=reject; rua=mailto:d@other.example.net',
    warns('dmarc_reports_refused'),
  ),
  dmarc(
    'a policy of `quarantine` is as strong as is expected',
    `v=DMARC1; p=quarantine; ${rua}`,
    ok({ [state('quarantine')]: 1 }),
  ),
  dmarc('SPF does not align strictly, and DKIM does', `v=DMARC1; p=reject; aspf=s; ${rua}`, warns('dmarc_not_aligned')),
  records(
    'DMARC: SPF does not align strictly, and no key is usable',
    {
      [policy]: [`v=DMARC1; p=reject; aspf=s; ${rua}`],
      [first]: ['v=DKIM1; p='],
      [second]: ['v=DKIM1; p='],
    },
    fails('dmarc_not_aligned', ['dkim_revoked']),
  ),
]

const domains: readonly Row[] = [
  sentFrom(
    'the domain of `From` is not there',
    { FROM: `app@gone.${domain}` },
    fails('domain_missing', ['dkim_missing']),
  ),
  sentFrom('the domain of the envelope is not there', { ENVELOPE: `bounces@gone.${domain}` }, fails('domain_missing')),
  records(
    'the domain of the envelope takes no mail (null MX)',
    { [`${envelope} MX`]: ['0 .'] },
    fails('domain_missing'),
  ),
]

export const keysArea = areaOf('DKIM', {}, dkim)
export const dmarcArea = areaOf('DMARC and domains', { more: 'expect: { dmarc: quarantine }' }, [
  ...policies,
  ...domains,
])
