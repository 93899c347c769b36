import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  patroni_unreachable: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'No connection to the REST API of Patroni, or it was closed before an answer came. Patroni may be down on that node; HAProxy then takes the node out, and nobody fails over to it.',
    remedy: 'See on that node whether Patroni runs (systemctl status patroni), then the address and the firewall.',
  },
  patroni_no_answer: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The REST API of Patroni did not answer within the timeout of the check.',
    remedy:
      'See whether Patroni hangs on that node: its log, a dead disk, a stopped process. Its lock in etcd ends after `ttl`, and then another node is promoted.',
  },
  patroni_tls_failed: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The TLS handshake with the REST API failed, mostly over a certificate that does not verify.',
    remedy:
      'Correct `ca_file`, or renew the certificate named. If the API asks for certificates of its clients, set `cert_file` and `key_file`.',
  },
  patroni_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of the REST API, or another one of its chain, expires in less than `certificate_warning` (14 days).',
    remedy: 'Renew the one named, and reload Patroni (systemctl reload patroni).',
  },
  patroni_login_refused: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The REST API, or a proxy in front of it, wants a login (HTTP 401 or 403).',
    remedy: 'Correct `user` and `password`, or let this host in (`allowlist` of the REST API).',
  },
  patroni_not_patroni: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'Something answers, but not as Patroni answers /leader.',
    remedy: 'Check scheme, host and port of `url`: it is the `restapi` section of the Patroni of one node.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
