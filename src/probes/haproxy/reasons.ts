import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  haproxy_unreachable: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'No connection to the statistics of HAProxy, or it was closed before an answer came.',
    remedy: 'See on its host whether HAProxy runs (systemctl status haproxy), then the address and the firewall.',
  },
  haproxy_no_answer: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'HAProxy did not answer within the timeout of the check.',
    remedy: 'See whether HAProxy hangs, or has no connection left (maxconn).',
  },
  haproxy_tls_failed: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The TLS handshake with the statistics failed, mostly over a certificate that does not verify.',
    remedy:
      'Correct `ca_file`, or renew the certificate named. If HAProxy asks for certificates of its clients (`verify required`), set `cert_file` and `key_file`.',
  },
  haproxy_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of the statistics, or another one of its chain, expires in less than `certificate_warning` (14 days).',
    remedy: 'Renew the one named, and reload HAProxy.',
  },
  haproxy_login_refused: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'The statistics want a login (HTTP 401 or 403), or the socket does not let this user in.',
    remedy: 'Correct `user` and `password`, or the mode and group of the socket.',
  },
  haproxy_not_haproxy: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The answer is neither metrics nor CSV nor the runtime API of HAProxy. Metrics are read from HAProxy 2.4 on.',
    remedy:
      'Check `url`: the path of its Prometheus endpoint, or that of its statistics with `;csv` at the end. Or use `socket`.',
  },
  haproxy_proxy_missing: {
    verdict: 'unknown',
    severity: 'high',
    meaning: 'A write path names a proxy that this HAProxy does not have.',
    remedy: 'Correct `haproxy.proxy` of the write path: the name after `listen` or `backend` in haproxy.cfg.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
