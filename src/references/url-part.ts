import { readings } from '../clients/postgres-url/index.ts'
import type { UrlPart } from '../core/reference.ts'

/**
 * A part of a URL of Postgres, as the drivers read it that can connect with it. Throws an Error that begins with `name` and shows
 * nothing of the URL, if they do not agree or the URL does not have it.
 */
export function urlPart(url: string, part: UrlPart, name: string): string {
  const read = readings({ url, settings: {} }).map(({ reading }) => reading)
  const found = new Set(read.flatMap(reading => (reading.kind === 'plan' ? [reading.plan[part] ?? ''] : [])))
  const [first = '', ...others] = found
  if (found.size === 0) throw new Error(`${name} is no URL of Postgres that can be read here`)
  if (others.length > 0) throw new Error(`${name} has another ${part} for each driver; give the ${part} itself`)
  if (first === '') throw new Error(`${name} has no ${part} in it`)
  return first
}
