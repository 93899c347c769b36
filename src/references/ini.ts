/**
 * The values of one section of an INI file, as the SDK of AWS for JavaScript reads `~/.aws/credentials` and
 * `~/.aws/config`: a comment begins with `#` or `;` at the begin of a line or behind white space, and indented lines below
 * a key without a value belong to it, as `s3.max_retries`. An empty value is none. Of a key that is repeated the last
 * counts, also if the section is. If there is no such section, it is that of a profile: `[profile NAME]`.
 */
export function readIni(text: string, section: string): Readonly<Record<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let values: Map<string, string> | undefined
  let above = ''
  for (const line of text.split(/\r?\n/)) {
    const bare = line.replace(/(?:^|\s)[;#].*$/s, '').trim()
    const header = /^\[(.*)\]$/s.exec(bare)?.[1]
    if (header !== undefined) {
      values = opened(sections, nameOf(header))
      above = ''
      continue
    }
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(bare)?.map(part => part.trim()) ?? []
    if (key === '') continue
    if (value === '') above = key
    else {
      if (line.trimStart() === line) above = ''
      values?.set(above === '' ? key : `${above}.${key}`, value)
    }
  }
  const found = [section, `profile ${section}`].map(nameOf).map(name => sections.get(name ?? ''))
  return Object.fromEntries(found.find(one => one?.size) ?? [])
}

function opened(sections: Map<string, Map<string, string>>, name: string | undefined) {
  if (name === undefined) return undefined
  const values = sections.get(name) ?? new Map<string, string>()
  sections.set(name, values)
  return values
}

/** `profile x` and `profile "x"` are `profile.x`. Of other words before a name the SDK reads nothing. */
function nameOf(header: string): string | undefined {
  const [, word, , name = ''] = /^([\w-]+)\s(["'])?([\w\-@+.%:/]+)\2$/.exec(header) ?? []
  if (word === undefined) return header
  return ['profile', 'sso-session', 'services'].includes(word) ? `${word}.${name}` : undefined
}
