import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'
import { startAgain } from './start.ts'

export const reasons = {
  patroni_unreachable: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'No connection to the REST API of Patroni, or it was closed before an answer came. If Patroni is down on that node, HAProxy takes the node out, and no failover leads to it.',
    remedy: startAgain('that node'),
  },
  patroni_no_answer: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'The REST API of Patroni did not answer within the timeout of the check. Patroni hangs, or its Postgres does: it asks that for each answer.',
    remedy: `See whether its Postgres hangs first (a dead disk, a stopped process): Patroni asks it for each answer. ${startAgain('that node')}`,
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
    meaning: 'A proxy in front of the REST API wants a login (HTTP 401 or 403). Patroni itself asks for none to read.',
    remedy: 'Correct `user` and `password`, or give the address of Patroni itself as `url`.',
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
