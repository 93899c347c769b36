import { isIPv6 } from 'node:net'
import { hexOf } from './reverse-name.ts'

/** Words by which owners name servers of mail. Providers do not put them into the names that they give to all addresses. */
const mailWords =
  /(?:^|[^a-z])(?:e?mails?|mailout|mailer|mta|mx|smtp|smtps|smtpout|relay|out|outbound|outgoing|send|sender|sending|sendmail|news|newsletter|bounces?|postfix|exim)(?=$|[^a-z])/

/**
 * Whether the name looks as if a provider gave it to each of its addresses: it has all numbers of the address in it
 * (`static.10.2.0.192.clients.example.net`, `ec2-192-0-2-10.example.net`, `c000020a.example.net`), and none of its labels says
 * that it is for mail (`mail-192-0-2-10.example.com`). Large receivers take such names for dial-up lines.
 */
export function isGenericName(name: string, address: string): boolean {
  const host = name.toLowerCase()
  return !mailWords.test(host) && (isIPv6(address) ? hasIpv6(host, address) : hasIpv4(host, address))
}

function hasIpv4(host: string, address: string): boolean {
  const numbers = address.split('.')
  const orders = [numbers, [...numbers].reverse()]
  const separated = orders.some(order => new RegExp(`(?<!\\d)0{0,2}${order.join('[._-]0{0,2}')}(?!\\d)`).test(host))
  const decimal = orders.map(order => order.map(number => number.padStart(3, '0')).join(''))
  const hex = orders.map(order => order.map(number => Number(number).toString(16).padStart(2, '0')).join(''))
  return separated || [...decimal, ...hex].some(digits => hasDigits(host, digits))
}

/** As digits that stand alone, so that no part of a longer word is taken for them. */
const hasDigits = (host: string, digits: string): boolean => new RegExp(`(?<![0-9a-f])${digits}(?![0-9a-f])`).test(host)

function hasIpv6(host: string, address: string): boolean {
  const nibbles = hexOf(address)
  const reversed = Array.from(nibbles).reverse().join('')
  if ([nibbles, reversed].some(digits => hasDigits(host.replaceAll(/[._-]/g, ''), digits))) return true
  const groups = nibbles.match(/.{4}/g) ?? []
  const short = groups.map(group => group.replace(/^0{1,3}/, ''))
  return [groups, short].some(all => host.includes(all.join('-')) || host.includes(all.join('.')))
}
