import { checkId } from '../core/probe.ts'
import { json, type Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { statusJson } from '../report/api.ts'
import { cachedBody } from './respond.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'

/** A body that is made of the status alone. What renders pages is loaded with the first of them: a start needs none. */
const bodyOf = <Key>({ monitor, connections }: Source, render: (status: Status, key: Key) => Shown | Promise<Shown>) =>
  cachedBody(
    (key: Key) => render(monitor.status(), key),
    () => [monitor.status()],
    connections.hold,
  )

/** The status page. With `?refresh=off` the browser does not load it again. */
export function pageEndpoint(source: Source): Answer {
  const { configFile, exporter } = source
  const send = bodyOf(source, async (status, refresh: boolean) => {
    const { renderPage } = await import('../page/page.ts')
    return renderPage(status, { version: exporter().version, configFile, refresh })
  })
  return (request, response) =>
    send(response, request.url?.endsWith('?refresh=off') !== true, 'text/html; charset=utf-8')
}

/** The status as JSON. */
export function apiEndpoint(source: Source): Answer {
  const send = bodyOf(source, status => json(statusJson(status)))
  return (_, response) => send(response, undefined, 'application/json; charset=utf-8')
}

/** The last failed runs of a check. */
export function failuresEndpoint(source: Source): Answer {
  const send = bodyOf(source, async ({ checks, records, startedAt }, id: string) => {
    const check = checks.find(one => one.id === id)
    if (!check) throw new Error(`there is no check ${id}`)
    const { renderFailures } = await import('../page/failures.ts')
    return renderFailures(check, records.get(id)?.failed ?? [], startedAt)
  })
  return (request, response) =>
    send(response, checkId(checkOfQuery(request, source.monitor).check), 'text/html; charset=utf-8')
}
