import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { formatFor } from '../exposition/accept.ts'
import { samplesOf } from '../exposition/catalogue.ts'
import { watchProcess } from '../exposition/process-metrics.ts'
import { contentTypes, expose, type Format } from '../exposition/text-format.ts'
import { describeError } from '../core/errors.ts'
import type { Served } from './app.ts'
import { usualLimits } from './limits.ts'
import { createCrowd, type Crowd } from './crowd.ts'
import type { Guard } from './guard.ts'
import { plain } from './text.ts'
import { answerWith } from './body.ts'
import { actions, countRequests, pathOf, readable, type RequestCount } from './requests.ts'

/**
 * What every request comes to: it is counted, guarded, and given to Express, which finds the endpoint. What machines ask
 * all day is answered here: Express takes five times as long as all the rest of a scrape, and need not even be loaded.
 */
export function createFront(
  served: Served,
  guard: Guard = () => Promise.resolve(true),
  crowd: Crowd = createCrowd(() => usualLimits),
): RequestListener {
  const { count, counts } = countRequests([...readable, ...actions])
  const { monitor } = served
  const direct = new Map<string, Endpoint>([
    ['/metrics', metricsEndpoint(served, counts, crowd)],
    [
      '/-/healthy',
      (_, response) =>
        told(response, monitor.alive(), 'healthy', 'a check has not come to an end for more than three intervals'),
    ],
    ['/-/ready', (_, response) => told(response, monitor.ready(), 'ready', 'not every check has run yet')],
  ])
  let app: Promise<RequestListener> | undefined
  const answer = async (request: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
    if (!(await guard(request, response))) return
    const endpoint = request.method === 'GET' || request.method === 'HEAD' ? direct.get(pathOf(request)) : undefined
    if (endpoint) await endpoint(request, response)
    else {
      // For want of a file descriptor it cannot be loaded now; the next request tries again.
      app ??= import('./app.ts')
        .then(({ createApp }) => createApp(served, crowd.hold))
        .catch((error: unknown) => {
          app = undefined
          throw error
        })
      ;(await app)(request, response)
    }
  }
  return (request, response) => {
    count(request, response)
    answer(request, response).catch((error: unknown) => {
      served.log.error({ error: describeError(error) }, 'a request failed')
      if (response.headersSent) response.destroy()
      else plain(response, 500, 'internal error; see the log')
    })
  }
}

type Endpoint = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

const told = (response: ServerResponse, holds: boolean, yes: string, no: string): void =>
  plain(response, holds ? 200 : 503, holds ? yes : no)

function metricsEndpoint({ monitor, exporter }: Served, counts: () => readonly RequestCount[], crowd: Crowd): Endpoint {
  const processMetrics = watchProcess()
  const answer = answerWith(
    async (format: Format) => {
      const process = await processMetrics()
      return expose(
        samplesOf(monitor.status(), {
          ...exporter(),
          wakeups: monitor.wakeups(),
          requests: counts(),
          connections: crowd.counts(),
        }),
        format,
        process,
      )
    },
    // Requests and wakeups that were counted are none: they are told with the next look at the process.
    () => [monitor.status(), processMetrics(), ...Object.values(exporter())],
    crowd.hold,
  )
  return (request, response) => {
    const format = formatFor(request.headers.accept)
    return answer(request, response, format, contentTypes[format], 'Accept, Accept-Encoding')
  }
}
