import { isIP } from 'node:net'

/**
 * The address that a text means without a lookup, as getaddrinfo(3) reads it: also `127.1`, `0x7f000001` and
 * `010.0.0.1`, by inet_aton(3). Undefined for a name.
 */
export function literal(text: string): string | undefined {
  if (isIP(text) !== 0) return text
  const parts = text.split('.')
  const numbers = parts.map(numberOf)
  const last = numbers.pop()
  if (last === undefined || parts.length > 4) return undefined
  let value = 0
  for (const number of numbers) {
    if (number === undefined || number > 255) return undefined
    value = value * 256 + number
  }
  const room = 256 ** (4 - numbers.length)
  if (last >= room) return undefined
  const whole = value * room + last
  return [24, 16, 8, 0].map(shift => Math.floor(whole / 2 ** shift) % 256).join('.')
}

function numberOf(part: string): number | undefined {
  if (/^0x[\da-f]+$/i.test(part)) return Number.parseInt(part.slice(2), 16)
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8)
  return /^[1-9]\d*$/.test(part) ? Number(part) : undefined
}
