/** The names of the hosts that mail leaves from, and of those that take bounces. The relay delivers to the receivers itself. */
import { domain, envelope, hello, host } from './dns-records.ts'
import { areaOf, fails, ok, records, series, warns, type Row } from './dns-stage.ts'

const reverse = `${host.reverse} PTR`
const confirmed = series('ptr_confirmed', `sender="${host.name}"`)

const names: readonly Row[] = [
  records('PTR: the address of the relay has no name', { [reverse]: [] }, fails('ptr_missing', [], { [confirmed]: 0 })),
  records(
    'PTR: the name leads to another address',
    { [reverse]: ['mail.example.com.'] },
    fails('ptr_missing', [], { [confirmed]: 0 }),
  ),
  records('PTR: the name is not there', { [reverse]: ['old.example.com.'] }, fails('ptr_missing')),
  records(
    'PTR: the name is that of a dial-up line',
    { [reverse]: ['192-0-2-10.dyn.example.net.'], '192-0-2-10.dyn.example.net A': [host.address] },
    warns('ptr_generic', { [confirmed]: 1 }),
  ),
  records(
    'PTR: one of two names leads back',
    { [reverse]: ['old.example.com.', `${host.name}.`] },
    ok({ [confirmed]: 1 }),
  ),
  records('HELO: the name is not there', { [`${hello} A`]: [] }, warns('hello_invalid')),
  records('HELO: the name leads to another host', { [`${hello} A`]: ['192.0.2.25'] }, warns('hello_invalid')),
  records('The relay: its name is not there', { [`${host.name} A`]: [] }, warns('sender_unknown')),
  records(
    'The relay: its name has only a private address',
    { [`${host.name} A`]: ['10.1.2.3'] },
    warns('sender_unknown'),
  ),
]

const mx = `${envelope} MX`
const bounces: readonly Row[] = [
  records('MX: bounces go nowhere', { [mx]: [], [`${envelope} A`]: [] }, warns('mx_missing')),
  records('MX: it leads to a private address', { 'mail.example.com A': ['10.0.0.5'] }, warns('mx_invalid')),
  records('MX: it leads to no address', { [mx]: ['10 nobody.example.com.'] }, warns('mx_invalid')),
  records(
    'MX: it leads to an alias',
    { [mx]: ['10 alias.example.com.'], 'alias.example.com CNAME': ['mail.example.com.'] },
    warns('mx_invalid'),
  ),
  records(
    'MX: the domain of `From` has none and needs none, since bounces go elsewhere',
    { [`${domain} MX`]: [], [`${domain} A`]: ['192.0.2.80'] },
    ok(),
  ),
]

export const hostsArea = areaOf('hosts', { more: 'direct: true' }, [...names, ...bounces])
