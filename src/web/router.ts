import type { RequestListener } from 'node:http'
import { describeError } from '../core/errors.ts'
import type { App } from './app.ts'
import { createConnections, type Connections } from './connections.ts'
import type { Served } from './endpoint.ts'
import { endpoints } from './endpoints.ts'
import type { Guard } from './guard.ts'
import { usualLimits } from './limits.ts'
import { countRequests, pathOf } from './requests.ts'
import { enter, outside } from './prefix.ts'
import { HttpError, sendAllowed, sendText } from './respond.ts'

/**
 * Counts and guards every request, and lets its endpoint answer. Machines request some endpoints all day: those are found
 * here, since Express takes five times as long as the rest of a scrape. Express finds the others. It is loaded with the
 * first request that needs it.
 */
export function createRouter(
  served: Served,
  guard: Guard = () => Promise.resolve(),
  connections: Connections = createConnections(() => usualLimits),
): RequestListener {
  const { count, counts } = countRequests(endpoints.map(({ path }) => path))
  const routes = endpoints.map(({ createAnswer, ...endpoint }) => ({
    ...endpoint,
    answer: createAnswer({ ...served, connections, requests: counts }),
  }))
  const direct = new Map(routes.filter(({ isDirect }) => isDirect).map(route => [route.path, route]))
  let app: Promise<App> | undefined
  const loadApp = (): Promise<App> =>
    import('./app.ts')
      .then(({ createApp }) => createApp(routes, prefix))
      .catch((error: unknown) => {
        // There may be no file descriptor left. The next request tries again.
        app = undefined
        throw error
      })

  const methodsAt = new Map(routes.map(({ path, methods }) => [path, methods]))
  methodsAt.set('*', [...new Set(routes.flatMap(({ methods }) => methods))])
  const { routePrefix: prefix = '' } = served

  return (request, response) => {
    const isInside = enter(request, prefix)
    count(isInside ? pathOf(request) : '', response)
    const failed = (error: unknown): void => {
      if (error instanceof HttpError) {
        sendText(response, error.status, error.message, error.headers)
        return
      }
      served.log.error({ error: describeError(error) }, 'a request failed')
      if (response.headersSent) response.destroy()
      else sendText(response, 500, 'internal error; see the log')
    }
    const answer = async (): Promise<void> => {
      await guard(request, response)
      if (!isInside) throw outside(request, prefix)
      const path = pathOf(request)
      const methods = methodsAt.get(path)
      if (methods && request.method === 'OPTIONS') {
        sendAllowed(response, methods)
        return
      }
      const route = direct.get(path)
      if (route?.methods.includes(request.method ?? '')) await route.answer(request, response)
      else (await (app ??= loadApp()))(request, response, failed)
    }
    answer().catch(failed)
  }
}
