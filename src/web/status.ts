import { checkId, verdicts } from '../core/probe.ts'
import { json, type Shown } from '../core/shown.ts'
import type { Status } from '../monitor/ledger.ts'
import { viewOf, viewQuery } from '../page/view.ts'
import { fieldJson, statusFields, statusJson, type StatusField } from '../report/api.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'
import { oncePerCause } from './once-per-cause.ts'
import { queryOf } from './query.ts'
import { HttpError, cachedBody, sendHeld } from './respond.ts'

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
    const view = viewOf(queryOf(request))
    if (!view) throw new HttpError(400, `verdict is one of ${verdicts.join(', ')}`)
    return send(response, new URLSearchParams(viewQuery(view)).toString(), 'text/html; charset=utf-8')
  }
}

/** The status as JSON: all of it, or the fields of `?fields=`. */
export function apiEndpoint(source: Source): Answer {
  const { monitor, connections } = source
  const send = bodyOf(source, status => json(statusJson(status)))
  // Kept by field, since there are thousands of selections. All requests share the fields.
  const textOf = oncePerCause(
    (field: StatusField) => Promise.resolve(`${JSON.stringify(field)}:${json(fieldJson(monitor.status(), field))}`),
    () => [monitor.status()],
  )
  return async (request, response) => {
    const fields = fieldsOf(queryOf(request))
    if (!fields) return send(response, undefined, jsonType)
    const texts = await Promise.all(fields.map(textOf))
    sendHeld(response, jsonType, Buffer.from(`{${texts.join(',')}}`), connections.hold)
  }
}

const jsonType = 'application/json; charset=utf-8'

/** The fields asked for, in the order of the whole; undefined for all. Throws an HttpError for any other query. */
function fieldsOf(query: URLSearchParams): readonly StatusField[] | undefined {
  const given = query.getAll('fields')
  if ([...query.keys()].some(key => key !== 'fields')) throw new HttpError(400, 'the parameter here is fields')
  if (given.length === 0) return undefined
  const asked = given.flatMap(one => one.split(','))
  const fields = statusFields.filter(field => asked.includes(field))
  if (fields.length < new Set(asked).size)
    throw new HttpError(400, `a field is not known; those that there are: ${statusFields.join(', ')}`)
  return fields
}

/** The last failed runs of a check; without a query, all checks that have some. */
export function failuresEndpoint(source: Source): Answer {
  const send = bodyOf(source, async (status, id: string | undefined) => {
    const { checks, records, startedAt } = status
    if (id === undefined) return (await import('../page/failures-list.ts')).renderFailuresList(status)
    const check = checks.find(one => one.id === id)
    if (!check) throw new Error(`there is no check ${id}`)
    const { renderFailures } = await import('../page/failures.ts')
    return renderFailures(check, records.get(id)?.failed ?? [], startedAt)
  })
  return (request, response) => {
    const isAll = queryOf(request).size === 0
    const id = isAll ? undefined : checkId(checkOfQuery(request, source.monitor).check)
    return send(response, id, 'text/html; charset=utf-8')
  }
}
