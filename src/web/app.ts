import type { RequestListener } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { json } from '../core/shown.ts'
import type { Monitor } from '../monitor/index.ts'
import type { Reload } from '../config/reload.ts'
import { statusJson } from '../report/api.ts'
import type { ExporterState } from '../exposition/catalogue.ts'
import { renderPage } from '../page/page.ts'
import { failuresEndpoint } from './failures.ts'
import { forBoth } from './http2.ts'
import { plain } from './text.ts'
import { probeEndpoint } from './probe.ts'
import { answerWith, type Hold } from './body.ts'
import { actions, readable } from './requests.ts'

/** What there is to serve. */
export interface Served {
  readonly monitor: Monitor
  readonly configFile: string
  readonly exporter: () => Omit<ExporterState, 'wakeups' | 'requests' | 'connections'>
  readonly log: Logger
  /** Set where the configuration may be read anew by a request. */
  readonly reload?: Reload | undefined
}

/** The endpoints of the exporter but those that machines ask all day. None of them but `/probe` waits for a probe: they render what is known. */
export function createApp({ monitor, configFile, exporter, log, reload }: Served, hold: Hold): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.enable('case sensitive routing')
  app.enable('strict routing')

  const status = (): readonly unknown[] => [monitor.status()]
  const page = answerWith(
    (refresh: boolean) => renderPage(monitor.status(), { version: exporter().version, configFile, refresh }),
    status,
    hold,
  )
  app.get('/', async (request, response) => {
    await page(request, response, !request.url.endsWith('?refresh=off'), 'text/html; charset=utf-8')
  })
  app.get('/failures', failuresEndpoint(monitor, hold))
  const api = answerWith(() => json(statusJson(monitor.status())), status, hold)
  app.get('/api/v1/status', (request, response) => api(request, response, undefined, 'application/json; charset=utf-8'))
  app.get('/probe', probeEndpoint(monitor))
  app.post('/-/reload', async (_request, response) => {
    if (!reload) {
      plain(response, 403, 'reloading by a request is not enabled: start with --web.enable-lifecycle, or send SIGHUP')
      return
    }
    const { error, summary } = await reload()
    plain(response, error === undefined ? 200 : 500, error ?? summary)
  })
  app.all(readable, (_request, response) => plain(response.set('Allow', 'GET, HEAD'), 405, 'only GET'))
  app.all(actions, (_request, response) => plain(response.set('Allow', 'POST'), 405, 'only POST'))
  app.use((_request, response) => plain(response, 404, 'not found; see /'))
  // Express would answer with the stack.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    log.error({ error: describeError(error) }, 'a request failed')
    if (response.headersSent) response.destroy()
    else plain(response, 500, 'internal error; see the log')
  }
  app.use(onError)
  return forBoth(app)
}
