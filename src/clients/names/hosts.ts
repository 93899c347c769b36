import { isIP } from 'node:net'

/** The addresses that a hosts file has for a name, as hosts(5): all lines of it, by name or alias, whatever its case. */
export function inHosts(text: string, name: string): string[] {
  const wanted = name.toLowerCase()
  // Most lines of a long file are passed over without being taken apart.
  if (!text.toLowerCase().includes(wanted)) return []
  return text.split('\n').flatMap(line => {
    if (!line.toLowerCase().includes(wanted)) return []
    // As glibc: a line that begins with white space counts for nothing.
    const [address = '', ...names] = line.replace(/#.*/, '').split(/\s+/)
    return isIP(address) !== 0 && !address.includes('%') && names.some(one => one.toLowerCase() === wanted)
      ? [address]
      : []
  })
}
