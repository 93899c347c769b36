import { counter, gauge } from '../../core/metric.ts'

export const metrics = {
  sent: counter('mailpath_canary_sent_total', 'Canaries that the relay, or SES, accepted.', ['target']),
  arrived: counter(
    'mailpath_canary_arrived_total',
    'Canaries that arrived, by the folder they were found in (inbox, junk, other).',
    ['target', 'folder'],
  ),
  late: counter('mailpath_canary_late_total', 'Canaries that arrived, and took longer than `late_after`.', ['target']),
  lost: counter(
    'mailpath_canary_lost_total',
    'Canaries that had not arrived after `lost_after`. Those under way when the exporter restarts are not counted.',
    ['target'],
  ),
  rejected: counter('mailpath_canary_rejected_total', 'Canaries that the relay, or SES, refused for good.', ['target']),
  bounced: counter('mailpath_canary_bounced_total', 'Canaries that came back as a bounce.', ['target']),
  duplicates: counter('mailpath_canary_duplicates_total', 'Second copies of canaries.', ['target']),
  leftoversRemoved: counter(
    'mailpath_canary_leftovers_removed_total',
    'Canaries in the mailbox that no process waits for, and that were deleted.',
    ['target'],
  ),
  delivery: gauge(
    'mailpath_canary_delivery_seconds',
    'How long the last canary that arrived took, from its acceptance to the mailbox.',
    ['target'],
  ),
  pending: gauge('mailpath_canary_pending', 'Canaries that are under way.', ['target']),
  oldestPending: gauge('mailpath_canary_oldest_pending_timestamp_seconds', 'When the oldest of them was sent.', [
    'target',
  ]),
  lastSent: gauge('mailpath_canary_last_sent_timestamp_seconds', 'When a canary was last accepted.', ['target']),
  lastArrival: gauge('mailpath_canary_last_arrival_timestamp_seconds', 'When a canary last arrived.', ['target']),
  inJunk: gauge('mailpath_canary_in_junk', 'Whether the last canary that arrived was found in the junk folder.', [
    'target',
  ]),
  mailboxReachable: gauge('mailpath_canary_mailbox_reachable', 'Whether the mailbox could be read.', ['target']),
  authentication: gauge(
    'mailpath_canary_authentication',
    'What the receiver found in the last canary that arrived, as a state set for each method (spf, dkim, dmarc).',
    ['target', 'method', 'result'],
  ),
  hops: gauge('mailpath_canary_hops', 'Servers that the last canary that arrived went through (Received headers).', [
    'target',
  ]),
  hopDelayMax: gauge(
    'mailpath_canary_hop_delay_max_seconds',
    'The longest time between two of them, by their clocks.',
    ['target'],
  ),
  clearHops: gauge('mailpath_canary_clear_hops', 'How many of them took it over a network without TLS.', ['target']),
}
