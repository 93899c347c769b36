/** The large receivers ask more of who sends more than 5,000 mails a day: each that is missing is a failure. */
import { envelope, selectors } from './dns-records.ts'
import { areaOf, fails, records, warns } from './dns-stage.ts'

const revoked = 'v=DKIM1; p='

export const bulkArea = areaOf('a bulk sender', { more: 'bulk: true' }, [
  records('Bulk: no SPF', { [`${envelope} TXT`]: [] }, fails('spf_missing')),
  records('Bulk: an error in SPF', { [`${envelope} TXT`]: ['v=spf1 ip4:192.0.2.10 all-'] }, fails('spf_invalid')),
  records('Bulk: SPF does not cover the relay', { [`${envelope} TXT`]: ['v=spf1 mx -all'] }, fails('spf_not_covering')),
  records(
    'Bulk: no key is left',
    { [`${selectors[0]} TXT`]: [revoked], 's2.keys.example.net TXT': [revoked] },
    fails('dkim_revoked'),
  ),
  records('Bulk: one key of two is revoked', { [`${selectors[0]} TXT`]: [revoked] }, warns('dkim_revoked')),
  records('Bulk: no DMARC', { '_dmarc.example.com TXT': [] }, fails('dmarc_missing')),
  records('Bulk: DMARC with an error', { '_dmarc.example.com TXT': ['v=DMARC1; policy=none'] }, fails('dmarc_invalid')),
])
