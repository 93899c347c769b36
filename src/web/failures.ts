import { checkId } from '../core/probe.ts'
import { renderFailures } from '../page/failures.ts'
import { cachedBody } from './body.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'

/** The last failed runs of a check. */
export function failuresEndpoint({ monitor, connections }: Source): Answer {
  const send = cachedBody(
    (id: string) => {
      const { checks, records, startedAt } = monitor.status()
      const check = checks.find(one => one.id === id)
      if (!check) throw new Error(`there is no check ${id}`)
      return renderFailures(check, records.get(id)?.failed ?? [], startedAt)
    },
    () => [monitor.status()],
    connections.hold,
  )
  return async (request, response) => {
    const asked = checkOfQuery(request, response, monitor)
    if (asked) await send(request, response, checkId(asked.check), 'text/html; charset=utf-8')
  }
}
