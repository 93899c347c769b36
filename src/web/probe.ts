import { checkId, type Check } from '../core/probe.ts'
import type { Ran } from '../monitor/run.ts'
import { createMemo } from '../core/memo.ts'
import type { Monitor } from '../monitor/index.ts'
import { formatFor } from '../exposition/accept.ts'
import { checkSeries } from '../exposition/samples.ts'
import { contentTypes, expose, type Format } from '../exposition/text-format.ts'
import { oncePerCause } from './once-per-cause.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'
import { HttpError, sendShown } from './respond.ts'

/** A request may start a check at most once per interval; once per 30 s if the interval is longer. */
const maxApartMs = 30_000
/** How many runs that requests started may be under way. */
const maxRunning = 10

/**
 * Runs a check of the configuration now, or joins the run under way. Answers with the metrics of the check; with
 * `debug=true`, with what was said and done. A client that leaves does not end the run: others may wait for it.
 */
export function probeEndpoint({ monitor }: Source): Answer {
  const start = limited(monitor)
  /** Renders a run once in each form: all clients that share it get the same text. */
  const rendererOf = (ran: Ran) =>
    oncePerCause(
      async (form: Format | 'debug') => {
        const { check, groups } = checkSeries(monitor.status(), checkId(ran))
        if (form !== 'debug') return expose(groups, form)
        const { runText } = await import('../page/run-text.ts')
        return runText(check, ran, await expose(groups, 'prometheus'))
      },
      () => [],
    )
  const renderers = createMemo<Ran, ReturnType<typeof rendererOf>>()
  return async (request, response) => {
    const { check, on } = checkOfQuery(request, monitor, ['debug'])
    const ran = await start(check)
    if (!ran) throw new HttpError(503, 'the run was cut off: the exporter stops, or the check was changed')
    const render = renderers(ran, [], () => rendererOf(ran))
    if (on.has('debug')) {
      sendShown(response, 'text/plain; charset=utf-8', await render('debug'))
      return
    }
    const format = formatFor(request.headers.accept)
    response.setHeader('Vary', 'Accept')
    sendShown(response, contentTypes[format], await render(format))
  }
}

function tooOften(why: string, waitMs: number): HttpError {
  const seconds = Math.ceil(waitMs / 1000)
  return new HttpError(429, `${why}; ask again in ${seconds} s`, { 'Retry-After': String(seconds) })
}

/** The run under way, or a new one. Throws an HttpError if the limits do not allow it. */
function limited(monitor: Monitor): (check: Check) => Promise<Ran | undefined> {
  /** By the check itself: if a reload takes it out, its time goes too. */
  const startedAt = new WeakMap<Check, number>()
  let running = 0
  return check => {
    const id = checkId(check)
    const underWay = monitor.underWay(id)
    if (underWay) return underWay
    const now = performance.now()
    const waitMs = (startedAt.get(check) ?? -Infinity) + Math.min(check.intervalMs, maxApartMs) - now
    if (waitMs > 0) throw tooOften('a request had the check run just now, and /metrics has the result', waitMs)
    if (running >= maxRunning) throw tooOften(`${maxRunning} checks are being run by requests`, 1_000)
    startedAt.set(check, now)
    running++
    return monitor.runNow(id).finally(() => running--)
  }
}
