import type { IncomingMessage } from 'node:http'
import { HttpError } from './respond.ts'

/** A path of plain segments, without a slash at its end. Nothing in it has to be escaped, or can leave the server. */
const form = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/

/** `/mail` of `mail`, `/mail` and `/mail/`; '' of `/`. Undefined if it is no prefix. */
export function parsePrefix(text: string): string | undefined {
  const path = text.replace(/^\/|\/$/g, '')
  if (path === '') return ''
  return form.test(`/${path}`) ? `/${path}` : undefined
}

/**
 * Takes the route prefix off the URL of a request: its endpoint is found by what is left. Gives false for a request outside
 * of the prefix.
 */
export function enter(request: IncomingMessage, prefix: string): boolean {
  const { url = '' } = request
  if (prefix === '' || url === '*') return true
  if (!url.startsWith(`${prefix}/`)) return false
  request.url = url.slice(prefix.length)
  return true
}

/** What to throw for a request outside of the prefix. Who asks for `/`, or leaves out the last slash, is led to the page. */
export function outside({ url = '', method }: IncomingMessage, prefix: string): HttpError {
  const [, path, query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(url) ?? []
  const home = `${prefix}/`
  if ((path === '/' || path === prefix) && (method === 'GET' || method === 'HEAD'))
    return new HttpError(302, `see ${home}`, { Location: `${home}${query}` })
  return notFound(prefix)
}

/** Nothing is at the path that was asked for. */
export const notFound = (prefix: string): HttpError => new HttpError(404, `not found; see ${prefix}/`)
