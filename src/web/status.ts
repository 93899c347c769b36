import { checkId } from '../core/probe.ts'
import { json, type Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { renderFailures } from '../page/failures.ts'
import { renderPage } from '../page/page.ts'
import { statusJson } from '../report/api.ts'
import { cachedBody } from './body.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'

/** A body that is made of the status alone. */
const bodyOf = <Key>({ monitor, connections }: Source, render: (status: Status, key: Key) => Shown) =>
  cachedBody(
    (key: Key) => render(monitor.status(), key),
    () => [monitor.status()],
    connections.hold,
  )

/** The status page. With `?refresh=off` the browser does not load it again. */
export function pageEndpoint(source: Source): Answer {
  const { configFile, exporter } = source
  const send = bodyOf(source, (status, refresh: boolean) =>
    renderPage(status, { version: exporter().version, configFile, refresh }),
  )
  return (request, response) =>
    send(request, response, request.url?.endsWith('?refresh=off') !== true, 'text/html; charset=utf-8')
}

/** The status as JSON. */
export function apiEndpoint(source: Source): Answer {
  const send = bodyOf(source, status => json(statusJson(status)))
  return (request, response) => send(request, response, undefined, 'application/json; charset=utf-8')
}

/** The last failed runs of a check. */
export function failuresEndpoint(source: Source): Answer {
  const send = bodyOf(source, ({ checks, records, startedAt }, id: string) => {
    const check = checks.find(one => one.id === id)
    if (!check) throw new Error(`there is no check ${id}`)
    return renderFailures(check, records.get(id)?.failed ?? [], startedAt)
  })
  return async (request, response) => {
    const asked = checkOfQuery(request, response, source.monitor)
    if (asked) await send(request, response, checkId(asked.check), 'text/html; charset=utf-8')
  }
}
