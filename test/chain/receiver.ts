/** Where Alertmanager sends notifications to: everything it sends is kept. */
import http from 'node:http'
import { listen } from '../servers/hostile.ts'

/** https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export interface SentAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** ISO 8601 */
  readonly startsAt: string
  readonly fingerprint: string
}

export interface Notification {
  /** The name of the receiver. */
  readonly to: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly groupKey: string
  readonly alerts: readonly SentAlert[]
}

export interface Receiver {
  readonly url: string
  readonly notifications: readonly Notification[]
  close(): Promise<void>
}

/** Takes the name of the receiver from the path: `/pager`. */
export async function startReceiver(): Promise<Receiver> {
  const notifications: Notification[] = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const { groupKey, alerts } = JSON.parse(body) as Pick<Notification, 'groupKey' | 'alerts'>
      notifications.push({ to: (request.url ?? '').slice(1), at: Date.now(), groupKey, alerts })
      response.end()
    })
  })
  const listening = await listen(server)
  return { url: `http://${listening.host}:${listening.port}`, notifications, close: listening.close }
}
