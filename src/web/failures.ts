import type { RequestHandler } from 'express'
import { checkId } from '../core/probe.ts'
import type { Monitor } from '../monitor/index.ts'
import { renderFailures } from '../page/failures.ts'
import { namedIn } from './check-of-query.ts'
import { answerWith, type Hold } from './body.ts'

/** Answers with the last failures of a check. It waits for nothing. */
export function failuresEndpoint(monitor: Monitor, hold: Hold): RequestHandler {
  const status = (): readonly unknown[] => [monitor.status()]
  const page = answerWith(
    (id: string) => {
      const { checks, records, startedAt } = monitor.status()
      const check = checks.find(one => one.id === id)
      if (!check) throw new Error(`there is no check ${id}`)
      return renderFailures(check, records.get(id)?.failed ?? [], startedAt)
    },
    status,
    hold,
  )
  return async (request, response) => {
    const named = namedIn(request, response, monitor)
    if (named) await page(request, response, checkId(named.check), 'text/html; charset=utf-8')
  }
}
