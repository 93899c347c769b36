/** What a driver does, as the end of a sentence about one driver and about several. */
export interface Deed {
  readonly one: string
  readonly many: string
  readonly what: string
}

const deed = (one: string, many: string, what = ''): Deed => ({ one, many, what: what.slice(0, 200) })

export const getsIn = deed('gets in', 'get in')
export const wasNotTried = deed('was not tried', 'were not tried')
export const isRefused = (why: string): Deed => deed('is refused', 'are refused', `: ${why}`)
export const refusesUrl = (why: string): Deed => deed('refuses the URL', 'refuse the URL', `: ${why}`)
export const landsOn = (where: string): Deed => deed('lands', 'land', ` on ${where}`)
export const goesTo = (where: string): Deed => deed('goes', 'go', ` to ${where}`)

/** One line; drivers that do the same are named together. */
export function deedsText(deeds: readonly (Deed & { readonly drivers: readonly string[] })[]): string {
  const alike = new Map<string, Deed & { readonly drivers: readonly string[] }>()
  for (const one of deeds) {
    const key = one.one + one.what
    alike.set(key, { ...one, drivers: [...(alike.get(key)?.drivers ?? []), ...one.drivers] })
  }
  return [...alike.values()]
    .map(({ drivers, one, many, what }) => `${listed(drivers)} ${drivers.length > 1 ? many : one}${what}`)
    .join('; ')
}

export const listed = (list: readonly string[]): string =>
  list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1) ?? ''}`
