import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

export const reasons = {
  vault_unreachable: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'No connection to the Vault node, or it was closed before an answer came.',
    remedy:
      'Check on its host that vault.service runs (systemctl status vault; journalctl -u vault), then the address, DNS and firewall.',
  },
  vault_no_answer: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The Vault node did not answer within the timeout of the check.',
    remedy: 'Look at load, disk and storage back end of the node; raise `timeout` only if it is known to be slow.',
  },
  vault_tls_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'The TLS handshake failed, mostly over a certificate that does not verify. Nothing was sent, and no token.',
    remedy:
      'Renew or correct the certificate named (an intermediate one comes with the chain of its authority), or set `ca_file` to the authority that signed it; check that the port speaks TLS. If the listener asks for certificates of its clients, set `cert_file` and `key_file`.',
  },
  vault_certificate_expires_soon: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The certificate of the listener, or another one of its chain, expires in less than `certificate_warning` (14 days).',
    remedy: 'Renew the one named, and have Vault load it: systemctl reload vault (SIGHUP).',
  },
  vault_client_certificate_refused: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The listener wants a certificate of its clients, and got none or one that it does not accept, so nothing was asked.',
    remedy:
      'Set `cert_file` and `key_file` to a certificate that the authority in tls_client_ca_file of the listener has signed; if they are set, compare the two and look at its end.',
  },
  vault_not_vault: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Something answers HTTP, but not as Vault answers /v1/sys/health: a proxy without a Vault behind it, or another service.',
    remedy: 'Ask the node itself, past the proxy; check scheme, port and path of `url`.',
  },
  vault_sealed: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The Vault node is sealed: it serves nothing until it is unsealed.',
    remedy:
      'Unseal it (vault operator unseal, once per key holder), then find out why it restarted or lost its auto-unseal.',
  },
  vault_uninitialized: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Vault runs on an empty storage. Where it held secrets before, it looks at the wrong place: they are not lost.',
    remedy:
      'Is the storage path right? Compare storage.path of the Vault configuration with where the data are, and correct it. Never initialise a Vault that held secrets.',
  },
  vault_removed: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The node was removed from its Raft cluster and serves nothing.',
    remedy:
      'Compare with vault operator raft list-peers on another node; wipe its storage and join it again, or take it out of the configuration.',
  },
  vault_standby_without_active: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The node is a standby that has no active node, or no connection to it, so it can forward nothing.',
    remedy:
      'See which nodes run, and start those that are down: more than half of them must run for one to become active. If one is active, check the cluster port (8201) between the two.',
  },
  vault_no_leader: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'The node is a standby, and there is no active node, or the one it names does not answer. Nothing can be written and no login is possible; what the node has can still be read.',
    remedy:
      'See which nodes of the cluster run, and start those that are down: more than half of them must run for one to become active. Do not remove a node from the cluster before you know that its data are lost. If the active node runs, let this host reach it.',
  },
  vault_dr_secondary: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The node belongs to a disaster recovery secondary: healthy, and nothing is read from it.',
    remedy: 'Nothing, unless it should be the primary: then promote it.',
  },
  vault_serves_no_secrets: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'The configuration has secrets read from this node, and it belongs to a disaster recovery secondary, which serves none.',
    remedy: 'Point `url` at the primary cluster, or promote this one if the primary is lost.',
  },
  vault_token_unresolved: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'The token, or what to log in with, could not be fetched from where the configuration says, so neither it nor the secrets were looked at.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  vault_login_failed: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Vault refused the login by AppRole or Kubernetes. What was got by an earlier login can be read until its token ends.',
    remedy:
      'Compare RoleID and SecretID, or role and service account, with the auth method in Vault; issue a new SecretID if it was used up or has expired; check `mount`. Do not try the same credentials again and again: Vault locks an AppRole at the fifth refusal.',
  },
  vault_login_locked: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'Vault accepts no login by this AppRole, whatever its SecretID: the role was locked after too many refused logins (user lockout), or its entity is disabled. The application is locked out as well if it logs in by the same role.',
    remedy:
      'Find who logs in with a wrong SecretID and stop that first. Then wait until the lock ends (15 minutes by default), or unlock it: vault write -f sys/locked-users/ACCESSOR/unlock/ROLE_ID.',
  },
  vault_namespace_missing: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'There is no such namespace in this Vault.',
    remedy:
      'Correct `namespace`; list those there are with vault namespace list. A child namespace needs its whole path.',
  },
  vault_token_wrapped: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'What was given as the token, or as the SecretID, is a wrapping token. It was not used, since one use destroys it with what is in it.',
    remedy:
      'Unwrap it once (vault unwrap) and put what comes out where the reference points. If what starts the exporter is meant to unwrap it, see why that was not done.',
  },
  vault_token_rejected: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      "Vault does not accept the token: it expired, was revoked or used up, is another Vault's, or is bound to other addresses.",
    remedy:
      'Issue a new token with the same policy and put it where `token` points; check that whatever renews it runs, and that this host is among the addresses the token is bound to, if it is.',
  },
  vault_token_unproven: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The token may not look itself up, and nothing was read with it, so whether it is good is not known. Vault gives the same answer to a token that is bound to other addresses.',
    remedy:
      'Give the token the policy `default`, or read on auth/token/lookup-self, or list a secret under `secrets` that it may read.',
  },
  vault_token_lookup_denied: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The token reads secrets but may not look itself up, so it is not known when it ends.',
    remedy: 'Give the token the policy `default`, or read on auth/token/lookup-self.',
  },
  vault_token_expires_soon: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'The token has less than `token_warning` left. Once it has expired, nothing can be read with it.',
    remedy:
      'Renew it (vault token renew) or issue a new one; if something renews it all the time, set `token_warning` below its period.',
  },
  vault_token_uses_limited: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The token is good for a limited number of requests. One that is written in the configuration will be used up by the exporter; one that comes of a login is replaced before.',
    remedy:
      'Give the exporter a token, or a role, of its own without a limit of uses (token_num_uses=0). A login takes a use of its SecretID too, if that has a limit.',
  },
  vault_secret_denied: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'The token may not read the secret. Vault answers a mount that does not exist in the same way, and sometimes a token that is bound to other addresses.',
    remedy:
      "Grant the token's policy read on exactly this path; in a KV version 2 mount it has data/ behind the mount.",
  },
  vault_secret_missing: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'There is no secret at the path.',
    remedy: 'Write the secret, or correct the path; in a KV version 2 mount it has data/ behind the mount.',
  },
  vault_secret_deleted: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The current version of the secret (KV version 2) was deleted or destroyed.',
    remedy:
      'Bring it back (vault kv undelete, or vault kv rollback to an older version); a destroyed version has to be written again.',
  },
  vault_secret_key_missing: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The secret is there but has no such key.',
    remedy: 'Add the key (vault kv patch), or correct its name in the configuration; keys are case sensitive.',
  },
  vault_secret_key_empty: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The secret has the key, with an empty value.',
    remedy: 'Write the value (vault kv patch).',
  },
  vault_api_failed: {
    verdict: 'fail',
    severity: 'high',
    meaning: 'The node calls itself healthy but did not serve a request with the token.',
    remedy:
      'Read the log of the node; right after unsealing this passes by itself. If it lasts, look for the active node.',
  },
  vault_rate_limited: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'A rate limit quota refused the request (429), so nothing was found out.',
    remedy: 'Raise the quota for the exporter, or the interval of the check.',
  },
  vault_redirected: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The node redirects requests instead of serving or forwarding them. Redirects are not followed, since the token would go along.',
    remedy:
      'See whether the node that it names runs. If it is down, start it, or wait: the others choose another within a minute. If it runs, open the cluster port (8201) to it from this node, so that requests are forwarded. A proxy that redirects: point `url` past it.',
  },
  vault_clock_skew: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      "The clocks of the Vault node and of the exporter's host differ by more than a minute: tokens and leases end at the wrong time.",
    remedy: 'Check time synchronisation (chronyc tracking) on both hosts.',
  },
} as const satisfies Record<string, ReasonSpec>

export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
