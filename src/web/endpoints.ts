import { formatFor } from '../exposition/accept.ts'
import { watchProcess } from '../exposition/process-metrics.ts'
import { groupsOf } from '../exposition/samples.ts'
import { contentTypes, expose, type Format } from '../exposition/text-format.ts'
import type { Answer, Endpoint, Source } from './endpoint.ts'
import { incidentsEndpoint } from './incidents.ts'
import { probeEndpoint } from './probe.ts'
import { apiEndpoint, failuresEndpoint, pageEndpoint } from './status.ts'
import { HttpError, cachedBody, sendText } from './respond.ts'

const read = ['GET', 'HEAD']
const act = ['POST']

/** All endpoints. Only `/probe` and `/-/reload` wait for something: the others render what is known. */
export const endpoints: readonly Endpoint[] = [
  { path: '/', methods: read, createAnswer: pageEndpoint },
  { path: '/metrics', methods: read, createAnswer: metricsEndpoint, isDirect: true },
  { path: '/api/v1/status', methods: read, createAnswer: apiEndpoint },
  { path: '/probe', methods: read, createAnswer: probeEndpoint },
  { path: '/failures', methods: read, createAnswer: failuresEndpoint },
  { path: '/incidents', methods: read, createAnswer: incidentsEndpoint },
  { path: '/-/healthy', methods: read, createAnswer: healthyEndpoint, isDirect: true },
  { path: '/-/ready', methods: read, createAnswer: readyEndpoint, isDirect: true },
  { path: '/-/reload', methods: act, createAnswer: reloadEndpoint },
]

/** All metrics, in the format that the client prefers. */
function metricsEndpoint({ monitor, exporter, requests, connections }: Source): Answer {
  const processMetrics = watchProcess()
  const send = cachedBody(
    async (format: Format) => {
      const process = await processMetrics()
      const state = {
        ...exporter(),
        wakeups: monitor.wakeups(),
        requests: requests(),
        connections: connections.counts(),
      }
      const status = monitor.status()
      return expose(groupsOf(status, state), format, process, status.startedAt)
    },
    // The counts of requests, connections and wakeups are not part of the cache key: they may be a second old.
    () => [monitor.status(), processMetrics(), ...Object.values(exporter())],
    connections.hold,
  )
  return (request, response) => {
    const format = formatFor(request.headers.accept)
    return send(response, format, contentTypes[format], 'Accept, Accept-Encoding')
  }
}

function healthyEndpoint({ monitor }: Source): Answer {
  return (_, response) => {
    if (!monitor.alive()) throw new HttpError(503, 'a check has not come to an end for more than three intervals')
    sendText(response, 200, 'healthy')
  }
}

function readyEndpoint({ monitor }: Source): Answer {
  return (_, response) => {
    if (!monitor.ready()) throw new HttpError(503, 'not every check has run yet')
    sendText(response, 200, 'ready')
  }
}

function reloadEndpoint({ reload }: Source): Answer {
  const off = 'reloading by a request is not enabled: start with --web.enable-lifecycle, or send SIGHUP'
  return async (_, response) => {
    if (!reload) throw new HttpError(403, off)
    const { error, summary } = await reload()
    if (error !== undefined) throw new HttpError(500, error)
    sendText(response, 200, summary)
  }
}
