import { gauge } from '../../core/metric.ts'
import { finding } from '../../core/probe.ts'
import type { OutboxSeen } from './observe.ts'
import { reason } from './reasons.ts'
import type { OutboxTarget } from './target.ts'

export const metrics = {
  pending: gauge('mailpath_outbox_pending', 'Mails that wait to be sent, up to `limit` and one.', ['target']),
  oldestPending: gauge(
    'mailpath_outbox_oldest_pending_timestamp_seconds',
    'When the oldest mail that waits was put there; absent if none waits.',
    ['target'],
  ),
  lastSent: gauge(
    'mailpath_outbox_last_sent_timestamp_seconds',
    'When the last mail was sent; absent without `sent`, or if none was.',
    ['target'],
  ),
  failed: gauge('mailpath_outbox_failed', 'Mails the application has given up; absent without `failed`.', ['target']),
  sending: gauge('mailpath_outbox_sending', 'Mails that are being sent; absent without `sending`.', ['target']),
}

export function judge({ address, notUnderstood = '' }: OutboxSeen, _target: OutboxTarget) {
  return finding('', [reason('outbox_unreadable', `${address}: ${notUnderstood}`)], [])
}
