import type { RequestListener } from 'node:http'
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import express, { type Express } from 'express'
import { isHttp2 } from './requests.ts'

/**
 * The app for HTTP/1 and HTTP/2. Express gives each request the prototype of HTTP/1, which HTTP/2 has not. For those there
 * is a second view of the same app, whose prototypes have what Express adds on top of what HTTP/2 has.
 */
export function forBoth(app: Express): RequestListener {
  const view = (base: object, own: object): object =>
    Object.create(Object.create(base, Object.getOwnPropertyDescriptors(own)) as object, {
      app: { value: app },
    }) as object
  const second = Object.create(app, {
    request: { value: view(Http2ServerRequest.prototype, express.request) },
    response: { value: view(Http2ServerResponse.prototype, express.response) },
  }) as unknown as { handle: RequestListener }
  return (request, response) => {
    if (isHttp2(request)) second.handle(request, response)
    else app(request, response)
  }
}
