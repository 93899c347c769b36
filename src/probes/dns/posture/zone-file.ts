import { isIPv6 } from 'node:net'

/** A line of a zone file (RFC 1035, 5.1), with whole names. */
export const zoneLine = (name: string, type: string, data: string): string => `${zoneName(name)} IN ${type} ${data}`

/** A whole name, with what a zone file would read in another way escaped. */
export const zoneName = (name: string): string => `${escaped(name, /[^\w.*-]/)}.`

/** The data of a TXT record, a character for each byte: strings of at most 255 each. */
export function textData(text: string): string {
  const strings = text.match(/.{1,255}/gs) ?? ['']
  return strings.map(part => `"${escaped(part, /["\\]|[^ -~]/)}"`).join(' ')
}

export const textLine = (name: string, text: string): string => zoneLine(name, 'TXT', textData(text))

export const addressLine = (name: string, address: string): string =>
  zoneLine(name, isIPv6(address) ? 'AAAA' : 'A', address)

/** A sign that can be printed gets a backslash, any other byte its number in three digits. */
const escaped = (text: string, special: RegExp): string =>
  Array.from(text, char =>
    !special.test(char)
      ? char
      : /^[!-~]$/.test(char)
        ? `\\${char}`
        : [...Buffer.from(char, char > 'ÿ' ? 'utf8' : 'latin1')]
            .map(byte => `\\${String(byte).padStart(3, '0')}`)
            .join(''),
  ).join('')
