import type { ServerResponse } from 'node:http'
import { checkId, type Check } from '../core/probe.ts'
import type { Ran } from '../monitor/run.ts'
import { createMemo } from '../core/memo.ts'
import type { Shown } from '../core/shown.ts'
import type { Monitor } from '../monitor/index.ts'
import { formatFor } from '../exposition/accept.ts'
import { checkSeries } from '../exposition/samples.ts'
import { contentTypes, expose, type Format } from '../exposition/text-format.ts'
import { checkOfQuery } from './check-of-query.ts'
import type { Answer, Source } from './endpoint.ts'
import { sendShown, sendText } from './text.ts'

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
  const render = oncePerRun(async (ran, as) => {
    const { check, groups } = checkSeries(monitor.status(), checkId(ran))
    if (as !== 'debug') return expose(groups, as)
    const { runText } = await import('../page/run-text.ts')
    return runText(check, ran, await expose(groups, 'prometheus'))
  })
  return async (request, response) => {
    const asked = checkOfQuery(request, response, monitor, ['debug'])
    if (!asked) return
    const started = start(asked.check)
    if ('waitMs' in started) {
      sendTooOften(response, started)
      return
    }
    const ran = await started.run
    if (!ran) {
      sendText(response, 503, 'the run was cut off: the exporter stops, or the check was changed')
      return
    }
    if (asked.on.has('debug')) {
      sendShown(response, 'text/plain; charset=utf-8', await render(ran, 'debug'))
      return
    }
    const format = formatFor(request.headers.accept)
    response.setHeader('Vary', 'Accept')
    sendShown(response, contentTypes[format], await render(ran, format))
  }
}

interface TooOften {
  readonly waitMs: number
  readonly why: string
}

function sendTooOften(response: ServerResponse, { waitMs, why }: TooOften): void {
  const seconds = Math.ceil(waitMs / 1000)
  sendText(response, 429, `${why}; ask again in ${seconds} s`, { 'Retry-After': String(seconds) })
}

/** The run under way, or a new one if the limits allow it. */
function limited(monitor: Monitor): (check: Check) => { readonly run: Promise<Ran | undefined> } | TooOften {
  /** By the check itself: if a reload takes it out, its time goes too. */
  const startedAt = new WeakMap<Check, number>()
  let running = 0
  return check => {
    const id = checkId(check)
    const underWay = monitor.underWay(id)
    if (underWay) return { run: underWay }
    const now = performance.now()
    const waitMs = (startedAt.get(check) ?? -Infinity) + Math.min(check.intervalMs, maxApartMs) - now
    if (waitMs > 0) return { waitMs, why: 'a request had the check run just now, and /metrics has the result' }
    if (running >= maxRunning) return { waitMs: 1_000, why: `${maxRunning} checks are being run by requests` }
    startedAt.set(check, now)
    running++
    return { run: monitor.runNow(id).finally(() => running--) }
  }
}

type Render = (ran: Ran, as: Format | 'debug') => Promise<Shown>

/** Renders each run once in each form: all clients that share the run get the same text. */
function oncePerRun(render: Render): Render {
  const textsOf = createMemo<Ran, Map<Format | 'debug', Promise<Shown>>>()
  return (ran, as) => {
    const texts = textsOf(ran, [], () => new Map())
    const text = texts.get(as) ?? render(ran, as)
    texts.set(as, text)
    return text
  }
}
