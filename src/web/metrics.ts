import { formatFor } from '../exposition/accept.ts'
import { samplesOf } from '../exposition/samples.ts'
import { watchProcess } from '../exposition/process-metrics.ts'
import { contentTypes, expose, type Format } from '../exposition/text-format.ts'
import { cachedBody } from './respond.ts'
import type { Answer, Source } from './endpoint.ts'

/** All metrics, in the format that the client prefers. */
export function metricsEndpoint({ monitor, exporter, requests, connections }: Source): Answer {
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
      return expose(samplesOf(monitor.status(), state), format, process)
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
