import { domainToASCII } from 'node:url'
import { cut } from '../../core/shown.ts'

/** Characters of a whole name (RFC 1035, 2.3.4, without the lengths of labels). */
const longest = 253

/**
 * A name as it is asked for: in lower case, without a dot at the end. Undefined if it cannot be: it is too long, has an empty
 * label, or characters that no host name has. Node 20 would ask for the root in place of a label that is no Punycode; newer ones ask for it as it is.
 */
export function askable(name: string): string | undefined {
  const asked = name.toLowerCase().replace(/\.$/, '')
  if (asked.length > longest || !/^[\w*/-]{1,63}(?:\.[\w*/-]{1,63})*$/.test(asked)) return undefined
  return asked.split('.').every(label => !label.startsWith('xn--') || domainToASCII(label) !== '') ? asked : undefined
}

/** A name or a value of a record, as it may be in a text: no longer than a name can be. */
export const bounded = (text: string): string => cut(text, longest)
