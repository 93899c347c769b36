import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  kubernetes_unreachable: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'No connection to the API server, or it was closed before a whole answer came.',
    remedy:
      'Check that the API server runs (on a control plane node: crictl ps --name kube-apiserver), then its load balancer, the address, DNS, firewall and network policies.',
  },
  kubernetes_no_answer: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The API server did not answer within the timeout of the check.',
    remedy:
      'Look at the load of the API server and at etcd (kubectl get --raw /readyz?verbose); raise `timeout` only if it is known to be slow.',
  },
  kubernetes_tls_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The TLS handshake with the API server failed, mostly over a certificate that does not verify. The login was not sent.',
    remedy:
      'Renew or correct the certificate of the API server, or give the authority that signed it (the certificate-authority of the kubeconfig, or kubernetes.ca_file).',
  },
  kubernetes_not_an_api_server: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Something answers HTTP, but not as an API server does: a load balancer without one behind it, or another service.',
    remedy: 'Check that the load balancer has a healthy API server behind it, and the address in the configuration.',
  },
  kubernetes_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The API server answered that it cannot serve the request. Mostly it cannot reach etcd.',
    remedy:
      'Ask it what it misses (kubectl get --raw /readyz?verbose), then look at etcd and at the log of the API server.',
  },
  kubernetes_unauthorized: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The API server does not accept the token or client certificate of the exporter, so no Secret can be read.',
    remedy:
      'Issue a new token or client certificate and put it where the configuration points; inside of a cluster check that the service account still exists and that its token is mounted.',
  },
  kubernetes_throttled: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The API server has more requests than it serves and turned this one away (429), so nothing was found out.',
    remedy:
      'Find the client that sends too many requests (metrics apiserver_flowcontrol_rejected_requests_total by flow_schema), or give the exporter a flow schema of its own.',
  },
  kubernetes_access_unresolved: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'What is needed to reach the API server and to log in (kubeconfig, token, certificate, authority) could not be read, or is not usable. Nothing was asked.',
    remedy:
      'Correct the file or field named: the exporter has to be able to read it, and it has to hold what is expected.',
  },
} as const satisfies Record<string, ReasonSpec>

export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
