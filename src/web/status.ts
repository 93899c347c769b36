import { checkId, verdicts } from '../core/probe.ts'
import { json, type Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { queryOf, viewOf } from '../page/view.ts'
import { statusJson } from '../report/api.ts'
import { HttpError, cachedBody } from './respond.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'

/** A body that is made of the status alone. What renders pages is loaded with the first of them: a start needs none. */
const bodyOf = <Key>({ monitor, connections }: Source, render: (status: Status, key: Key) => Shown | Promise<Shown>) =>
  cachedBody(
    (key: Key) => render(monitor.status(), key),
    () => [monitor.status()],
    connections.hold,
  )

/** The status page, for the view that the query asks for. */
export function pageEndpoint(source: Source): Answer {
  const { configFile, exporter } = source
  // By the query, since a key has to equal itself.
  const send = bodyOf(source, async (status, query: string) => {
    const { renderPage } = await import('../page/page.ts')
    return renderPage(status, { version: exporter().version, configFile }, viewOf(new URLSearchParams(query)))
  })
  return (request, response) => {
    const view = viewOf(new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1]))
    if (!view) throw new HttpError(400, `verdict is one of ${verdicts.join(', ')}`)
    return send(response, new URLSearchParams(queryOf(view)).toString(), 'text/html; charset=utf-8')
  }
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
