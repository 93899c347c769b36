import { gzip } from 'node:zlib'
import { promisify } from 'node:util'
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import { describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Monitor } from '../monitor.ts'
import type { Reload } from '../reload.ts'
import { formatFor } from '../render/accept.ts'
import { statusJson } from '../render/api.ts'
import { samplesOf, type ExporterState } from '../render/catalogue.ts'
import { renderPage } from '../render/page.ts'
import { contentTypes, expose, watchProcess } from '../render/registry.ts'
import { countRequests } from './requests.ts'

/** What the server shows besides the status. */
export interface Shown {
  readonly monitor: Monitor
  readonly configFile: string
  readonly exporter: () => Omit<ExporterState, 'requests'>
  readonly log: Logger
  /** Set where the configuration may be read anew by a request. */
  readonly reload?: Reload | undefined
  /** What comes before every endpoint. */
  readonly guards?: readonly RequestHandler[]
}

const compressed = promisify(gzip)
const pages = ['/metrics', '/', '/api/v1/status', '/-/healthy', '/-/ready']
/** The page needs no script and loads nothing. */
const pagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

/** The endpoints of the exporter. None of them waits for a probe: they render what is known. */
export function createApp({ monitor, configFile, exporter, log, reload, guards = [] }: Shown): Express {
  const processMetrics = watchProcess()
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  const { count, counts } = countRequests([...pages, '/-/reload'])
  app.use(count, ...guards)

  app.get('/metrics', async (request, response) => {
    const format = formatFor(request.get('accept'))
    const text = await expose(
      samplesOf(monitor.status(), { ...exporter(), requests: counts() }),
      format,
      await processMetrics(),
    )
    response.vary('Accept')
    await send(request, response, contentTypes[format], text)
  })
  app.get('/', async (request, response) => {
    const refresh = !request.url.endsWith('?refresh=off')
    const page = renderPage(monitor.status(), { version: exporter().version, configFile, refresh })
    if (!response.get('Content-Security-Policy')) response.set('Content-Security-Policy', pagePolicy)
    await send(request, response, 'text/html; charset=utf-8', page)
  })
  app.get('/api/v1/status', (_request, response) => {
    response.json(statusJson(monitor.status()))
  })
  app.get('/-/healthy', (_request, response) => {
    const alive = monitor.alive()
    plain(
      response,
      alive ? 200 : 503,
      alive ? 'healthy' : 'a check has not come to an end for more than three intervals',
    )
  })
  app.get('/-/ready', (_request, response) => {
    const ready = monitor.ready()
    plain(response, ready ? 200 : 503, ready ? 'ready' : 'not every check has run yet')
  })
  app.post('/-/reload', async (_request, response) => {
    if (!reload) {
      plain(response, 403, 'reloading by a request is not enabled: start with --web.enable-lifecycle, or send SIGHUP')
      return
    }
    const { error, summary } = await reload()
    plain(response, error === undefined ? 200 : 500, error ?? summary)
  })
  for (const [path, method] of [...pages.map(page => [page, 'GET'] as const), ['/-/reload', 'POST'] as const])
    app.all(path, (_request, response) => {
      response.set('Allow', method === 'GET' ? 'GET, HEAD' : method)
      plain(response, 405, `only ${method}`)
    })
  app.use((_request, response) => plain(response, 404, 'not found; see /'))
  // Express would answer with the stack.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500
    if (status >= 500) log.error({ error: describeError(error) }, 'a request failed')
    plain(response, status, status >= 500 ? 'internal error; see the log' : 'bad request')
  }
  app.use(onError)
  return app
}

const plain = (response: Response, status: number, text: string): void => {
  response.status(status).type('text/plain').send(`${text}\n`)
}

async function send(request: Request, response: Response, type: string, text: string): Promise<void> {
  const gzipped = request.acceptsEncodings('gzip', 'identity') === 'gzip'
  response.vary('Accept-Encoding')
  response.set('Content-Type', type)
  if (gzipped) response.set('Content-Encoding', 'gzip')
  // end(), because send() would add a charset of its own to the content type.
  response.end(gzipped ? await compressed(text) : text)
}
