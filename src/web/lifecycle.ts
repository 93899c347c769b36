import type { Answer, Source } from './endpoint.ts'
import { sendText } from './text.ts'

/** 503 if a check hangs. */
export const healthyEndpoint =
  ({ monitor }: Source): Answer =>
  (_, response) =>
    monitor.alive()
      ? sendText(response, 200, 'healthy')
      : sendText(response, 503, 'a check has not come to an end for more than three intervals')

/** 503 until every check has run. */
export const readyEndpoint =
  ({ monitor }: Source): Answer =>
  (_, response) =>
    monitor.ready() ? sendText(response, 200, 'ready') : sendText(response, 503, 'not every check has run yet')

/** Reloads the configuration, if requests may do that. */
export function reloadEndpoint({ reload }: Source): Answer {
  return async (_, response) => {
    if (!reload) {
      sendText(
        response,
        403,
        'reloading by a request is not enabled: start with --web.enable-lifecycle, or send SIGHUP',
      )
      return
    }
    const { error, summary } = await reload()
    sendText(response, error === undefined ? 200 : 500, error ?? summary)
  }
}
