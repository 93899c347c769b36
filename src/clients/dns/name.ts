import { domainToASCII } from 'node:url'

const longest = 253

/**
 * A name as it is asked for: in lower case, without a dot at the end. Undefined if it cannot be: it is too long, has an empty
 * label, or characters that no host name has. Node would ask for the root in place of a label that is no Punycode.
 */
export function askable(name: string): string | undefined {
  const asked = name.toLowerCase().replace(/\.$/, '')
  if (asked.length > longest || !/^[\w*/-]{1,63}(?:\.[\w*/-]{1,63})*$/.test(asked)) return undefined
  return asked.split('.').every(label => !label.startsWith('xn--') || domainToASCII(label) !== '') ? asked : undefined
}
