import { isIP } from 'node:net'

/** The addresses of a name in a hosts file (hosts(5)): all lines with it, as name or alias, in any case. */
export function inHosts(text: string, name: string): string[] {
  const wanted = name.toLowerCase()
  // Skips most lines of a long file without splitting them.
  if (!text.toLowerCase().includes(wanted)) return []
  return text.split('\n').flatMap(line => {
    if (!line.toLowerCase().includes(wanted)) return []
    // As in glibc: a line that begins with white space does not count.
    const [address = '', ...names] = line.replace(/#.*/, '').split(/\s+/)
    return isIP(address) !== 0 && !address.includes('%') && names.some(one => one.toLowerCase() === wanted)
      ? [address]
      : []
  })
}
