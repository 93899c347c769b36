/** The values of one section of an INI file, as the AWS SDK reads `~/.aws/credentials`. */
export function readIni(text: string, section: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {}
  let inside = false
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? []
    if (name !== undefined) inside = name === section
    const [, key = '', value = ''] = /^\s*([^\s#;=]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (inside && key !== '') values[key] = value
  }
  return values
}
