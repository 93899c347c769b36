import type { IncomingMessage, ServerResponse } from 'node:http'
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import express, { type Express } from 'express'
import type { Answer, Endpoint } from './endpoint.ts'
import { isHttp2 } from './http2.ts'
import { notFound } from './prefix.ts'
import { HttpError, allowOf } from './respond.ts'

/** An endpoint that is ready to answer. */
interface Route extends Pick<Endpoint, 'path' | 'methods'> {
  readonly answer: Answer
}

/** Answers a request by Express. Errors go to `failed`. */
export type App = (request: IncomingMessage, response: ServerResponse, failed: (error: unknown) => void) => void

/** Finds the endpoint of a request by Express. Refuses a path or a method that is not in the table: 404 or 405. */
export function createApp(routes: readonly Route[], prefix: string): App {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.enable('case sensitive routing')
  app.enable('strict routing')
  for (const { path, methods, answer } of routes)
    app.all(path, (request, response) => {
      if (methods.includes(request.method)) return answer(request, response)
      throw new HttpError(405, `only ${methods[0] ?? ''}`, { Allow: allowOf(methods) })
    })
  app.use(() => {
    throw notFound(prefix)
  })
  return forBoth(app)
}

/**
 * The app for HTTP/1 and HTTP/2. Express gives each request the prototype of HTTP/1, which breaks requests of HTTP/2. They
 * get a second view of the same app. Its prototypes are those of HTTP/2, with what Express adds.
 */
function forBoth(app: Express): App {
  const view = (base: object, own: object): object =>
    Object.create(Object.create(base, Object.getOwnPropertyDescriptors(own)) as object, {
      app: { value: app },
    }) as object
  const second = Object.create(app, {
    request: { value: view(Http2ServerRequest.prototype, express.request) },
    response: { value: view(Http2ServerResponse.prototype, express.response) },
  }) as unknown as { handle: App }
  const first = app as unknown as { handle: App }
  return (request, response, failed) => (isHttp2(request) ? second : first).handle(request, response, failed)
}
