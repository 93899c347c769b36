/**
 * What is inside of each element of this name, for the plain XML of AWS: no attribute matters, and no element is in one
 * of the same name. Reads each character once at most.
 */
export function elements(xml: string, name: string): readonly string[] {
  const found: string[] = []
  const [open, close] = [`<${name}>`, `</${name}>`]
  for (let from = xml.indexOf(open); from !== -1; from = xml.indexOf(open, from)) {
    const end = xml.indexOf(close, from)
    if (end === -1) break
    found.push(xml.slice(from + open.length, end))
    from = end
  }
  return found
}

/** The text of the first element of this name; undefined if there is none, or if more than text is in it. */
export function textIn(xml: string, name: string): string | undefined {
  const [inside] = elements(xml, name)
  if (inside === undefined || inside.includes('<')) return undefined
  return inside.replace(
    /&(amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});/gi,
    (whole, name: string) => entity(name) ?? whole,
  )
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function entity(name: string): string | undefined {
  if (!name.startsWith('#')) return entities[name]
  const code = Number(/^#x/i.test(name) ? `0${name.slice(1)}` : name.slice(1))
  return code <= 0x10_ffff ? String.fromCodePoint(code) : undefined
}
