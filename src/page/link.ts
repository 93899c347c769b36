/** What our pages lead to. A test compares it with the endpoints. */
export const linked = ['/', '/metrics', '/api/v1/status', '/probe', '/failures', '/incidents'] as const
type Linked = (typeof linked)[number]

/**
 * The URL of an endpoint, for a link on one of our pages: `failures?probe=smtp&target=relay`. It is relative, and all pages
 * lie directly below the route prefix. So it holds under each prefix, also under one that a proxy takes off.
 */
export function link(to: Linked, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString().replaceAll('+', '%20')
  return `.${to}${search === '' ? '' : `?${search}`}`
}
