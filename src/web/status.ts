import { json } from '../core/shown.ts'
import { renderPage } from '../page/page.ts'
import { statusJson } from '../report/api.ts'
import { cachedBody } from './body.ts'
import type { Answer, Source } from './endpoint.ts'

/** The status page. With `?refresh=off` the browser does not load it again. */
export function pageEndpoint({ monitor, configFile, exporter, connections }: Source): Answer {
  const send = cachedBody(
    (refresh: boolean) => renderPage(monitor.status(), { version: exporter().version, configFile, refresh }),
    () => [monitor.status()],
    connections.hold,
  )
  return (request, response) =>
    send(request, response, request.url?.endsWith('?refresh=off') !== true, 'text/html; charset=utf-8')
}

/** The status as JSON. */
export function apiEndpoint({ monitor, connections }: Source): Answer {
  const send = cachedBody(
    () => json(statusJson(monitor.status())),
    () => [monitor.status()],
    connections.hold,
  )
  return (request, response) => send(request, response, undefined, 'application/json; charset=utf-8')
}
