import type { RequestHandler, Response } from 'express'
import { checkId, type Check } from '../core/probe.ts'
import type { Ran } from '../monitor/run.ts'
import type { Shown } from '../core/shown.ts'
import type { Monitor } from '../monitor/index.ts'
import { formatFor } from '../exposition/accept.ts'
import { checkSeries } from '../exposition/catalogue.ts'
import { contentTypes, expose, formats, type Format } from '../exposition/text-format.ts'
import { runText } from '../page/run-text.ts'
import { namedIn } from './check-of-query.ts'
import { plain, sendShown } from './text.ts'

/** Runs of one check that are begun by requests are at least its interval apart, or this where that is longer. */
const apartMs = 30_000
/** So many of them may be under way, of all checks. */
const atOnce = 10

/**
 * Runs a check of the configuration now, or joins its run under way, and answers with its metrics; with `debug=true`, in
 * words, with what was done. Whoever asks, the systems looked at hardly notice; and who leaves does not end a run that
 * others share.
 */
export function probeEndpoint(monitor: Monitor): RequestHandler {
  const begin = limited(monitor)
  const debug = once(async ran => {
    const { check, groups } = checkSeries(monitor.status(), checkId(ran))
    return runText(check, ran, await expose(groups, 'prometheus'))
  })
  const metrics = (format: Format) => once(ran => expose(checkSeries(monitor.status(), checkId(ran)).groups, format))
  const byFormat = Object.fromEntries(formats.map(format => [format, metrics(format)])) as Record<
    Format,
    ReturnType<typeof metrics>
  >
  return async (request, response) => {
    const named = namedIn(request, response, monitor, ['debug'])
    if (!named) return
    const running = begin(named.check)
    if ('waitMs' in running) {
      tooOften(response, running)
      return
    }
    const ran = await running.run
    if (!ran) {
      plain(response, 503, 'the run was cut off: the exporter stops, or the check was changed')
      return
    }
    if (named.on.has('debug')) {
      sendShown(response, 'text/plain; charset=utf-8', await debug(ran))
      return
    }
    const format = formatFor(request.get('accept'))
    sendShown(response.vary('Accept'), contentTypes[format], await byFormat[format](ran))
  }
}

interface TooOften {
  readonly waitMs: number
  readonly why: string
}

function tooOften(response: Response, { waitMs, why }: TooOften): void {
  const seconds = Math.ceil(waitMs / 1000)
  plain(response.set('Retry-After', String(seconds)), 429, `${why}; ask again in ${seconds} s`)
}

/** The run under way, or a new one if it may be. */
function limited(monitor: Monitor): (check: Check) => { readonly run: Promise<Ran | undefined> } | TooOften {
  /** By the check, so that it goes with it. */
  const begun = new WeakMap<Check, number>()
  let running = 0
  return check => {
    const id = checkId(check)
    const underWay = monitor.underWay(id)
    if (underWay) return { run: underWay }
    const now = performance.now()
    const waitMs = (begun.get(check) ?? -Infinity) + Math.min(check.intervalMs, apartMs) - now
    if (waitMs > 0) return { waitMs, why: 'a request had the check run just now, and /metrics has the result' }
    if (running >= atOnce) return { waitMs: 1_000, why: `${atOnce} checks are being run by requests` }
    begun.set(check, now)
    running++
    return { run: monitor.runNow(id).finally(() => running--) }
  }
}

/** However many share a run, its answer is rendered once. */
function once(render: (ran: Ran) => Promise<Shown>): (ran: Ran) => Promise<Shown> {
  const rendered = new WeakMap<Ran, Promise<Shown>>()
  return ran => {
    const answer = rendered.get(ran) ?? render(ran)
    rendered.set(ran, answer)
    return answer
  }
}
