import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/core/errors.ts'

const folder = join(import.meta.dirname, 'bad')

/** All that is said of each file in `bad/`, without the file's name, which every line begins with. */
const messages: Record<string, string[]> = {
  'alias-bomb.yml': ['2:8: not valid YAML: aliases stand for more than 100000 values; write them out'],
  'alias-inside-itself.yml': ['2:5: not valid YAML: an alias inside of what it stands for'],
  'alias-without-anchor.yml': [
    '5:15: not valid YAML: an alias without its anchor; put a value that begins with * in quotes',
  ],
  'canary.yml': [
    '5:5: canary[0].from: is missing; expected text, a number or a reference',
    '5:5: canary[0].to: is missing; expected text, a number or a reference',
    '6:5: canary[1]: give exactly one of smtp and ses',
    '6:37: canary[1].ses: there is no ses target "account"; the file has no ses targets',
    '7:25: canary[2].smtp: there is no smtp target "rely"; did you mean "relay"? known are "relay", "other"',
    '8:35: canary[3]: unknown key way; known keys: name, interval, timeout, smtp, ses, from, to, envelope_from, mailbox, late_after, lost_after, expect, authserv_id',
    '9:129: canary[4].mailbox.password: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '9:146: canary[4].mailbox.token: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '10:83: canary[5].mailbox: give exactly one of password and token',
    '11:81: canary[6].mailbox: give exactly one of password and token',
    '14:11: canary[7].from: expected a mail address',
    '15:9: canary[7].to: expected a mail address',
    '16:20: canary[7].envelope_from: expected a mail address; it holds a line break',
    '17:15: canary[7].interval: a canary sends at most one mail a minute; give 1m or more',
    '18:14: canary[7].timeout: expected a duration such as 500ms, 15s or 5m',
    '19:17: canary[7].late_after: expected a duration such as 500ms, 15s or 5m',
    '20:17: canary[7].lost_after: expected a duration such as 500ms, 15s or 5m',
    '21:20: canary[7].expect.spf: expected pass',
    '21:26: canary[7].expect: unknown key arc; known keys: spf, dkim, dmarc',
    '22:18: canary[7].authserv_id: expected a host name; it holds white space',
    '24:13: canary[7].mailbox.host: expected a host name or an IP address, without port or scheme; it looks like a URL',
    '25:13: canary[7].mailbox.port: a port lies between 1 and 65535',
    '26:17: canary[7].mailbox.security: expected one of tls, starttls, none',
    '27:13: canary[7].mailbox.user: expected the name of a user, in one line; it looks like user:password@host',
    '28:19: canary[7].mailbox.servername: must not be empty',
    '29:17: canary[7].mailbox.folders[0]: expected one line of text; it holds a line break',
    '30:7: canary[7].mailbox: unknown key folder; known keys: host, port, security, user, password, token, servername, ca_file, folders',
    '31:85: canary[8].late_after: must be less than lost_after',
    '31:98: canary[8].expect: needs a mailbox, in which the mail is read',
    '31:127: canary[8].authserv_id: needs a mailbox, in which the mail is read',
    '32:81: canary[9].timeout: the timeout (300 s) must be less than the interval (300 s)',
    '34:42: mail[0].canary[0]: it leaves by smtp "other", which this mail path does not name; add that to its smtp, or take the canary out',
    '34:54: mail[0].canary[2]: there is no canary target "quick"; known are "nothing", "ways", "gone", "by file", "secrets", "logins", "both", "values", "order", "slow"',
  ],
  'choice.yml': ['4:15: smtp[0].security: expected one of starttls, tls, none, opportunistic'],
  'comment-only.yml': ['1:1: the file is empty; it needs at least one target, for example under `postgres`'],
  'credential.yml': [
    '4:25: smtp[0].user.credential: expected the name of a credential, not a path',
    '5:29: smtp[0].password.credential: expected the name of a credential, not a path',
  ],
  'context-without-kubeconfig.yml': [
    '2:12: kubernetes.context: is that of a kubeconfig; set kubeconfig, or take it out',
  ],
  'dns-servers-none.yml': ['4:14: dns[0].servers: names no server; leave it out to ask those of the machine'],
  'dns.yml': [
    '3:5: dns[0].domain: is missing; expected text, a number or a reference',
    '4:46: dns[1].smtp: there is no smtp target "rely"; did you mean "relay"?',
    '4:57: dns[1].ses: there is no ses target "account"; the file has no ses targets',
    '5:43: dns[2]: unknown key relay; known keys: name, interval, timeout, domain, envelope, dkim, senders, direct, bulk, expect, servers, helo, smtp, ses, mta_sts, ca_file',
    '5:57: dns[2]: unknown key account; known keys: name, interval, timeout, domain, envelope, dkim, senders, direct, bulk, expect, servers, helo, smtp, ses, mta_sts, ca_file',
    '6:29: dns[3].domain: expected a domain, or a mail address',
    '7:33: dns[4].domain: expected a domain, or a mail address',
    '7:62: dns[4].envelope: expected a domain, or a mail address; it looks like a URL',
    '8:50: dns[5].direct: needs `senders`, whose names are looked at',
    '9:54: dns[6].direct: needs `senders`, whose names are looked at',
    '11:13: dns[7].domain: expected a domain, or a mail address; it holds white space',
    '12:15: dns[7].envelope: expected text, a number or a reference',
    '13:11: dns[7].dkim: expected a list of selectors',
    '14:15: dns[7].senders[0]: expected a host name or an IP address, without port or scheme; it looks like a URL',
    '14:56: dns[7].senders[2]: expected a host name or an IP address, without port or scheme; it looks like a host with a port',
    '15:13: dns[7].direct: expected true or false',
    '16:11: dns[7].bulk: expected true or false',
    '17:22: dns[7].expect.dmarc: expected one of none, quarantine, reject',
    '17:30: dns[7].expect: unknown key spf; known keys: dmarc',
    '18:15: dns[7].servers[0]: expected the address of a name server, such as 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53',
    '18:32: dns[7].servers[1]: expected the address of a name server, such as 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53; it looks like a host with a port',
    '19:11: dns[7].helo: expected a host name; it holds white space',
    '20:14: dns[7].mta_sts: expected true or false',
    '21:14: dns[7].ca_file: must not be empty',
    '22:15: dns[7].interval: expected a duration such as 500ms, 15s or 5m',
    '23:5: dns[7]: unknown key selector; known keys: name, interval, timeout, domain, envelope, dkim, senders, direct, bulk, expect, servers, helo, smtp, ses, mta_sts, ca_file',
    '24:49: dns[8].servers: has more than 5 entries',
    '25:51: dns[9].dkim: has more than 10 entries',
    '26:49: dns[10].timeout: the timeout (600 s) must be less than the interval (600 s)',
    '28:30: mail[0].dns[1]: there is no dns target "quick"; known are "nothing", "ways", "by file", "a name", "an address", "direct", "no senders", "values", "many", "selectors" and 1 more',
  ],
  'dotenv-without-key.yml': [
    '4:10: write_path[0].url: dotenv and key go together: { dotenv: /path/to/.env, key: NAME }',
    '7:11: write_path[1].host: dotenv and key go together: { dotenv: /path/to/.env, key: NAME }',
  ],
  'drift.yml': [
    '7:14: drift[0].sources: two to eight sources are compared, not 1',
    '11:13: drift[1].sources.file: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '13:14: drift[2].cluster: only hosts are compared with the primary; add compare: host',
    '16:14: drift[3].cluster: there is no cluster "mian" among the postgres targets; did you mean "main"?',
    '18:40: drift[3].sources.primary: primary is the label of the primary of the cluster; take another',
    '20:14: drift[4].compare: expected one of value, host',
    '21:20: drift[4].sources.: the label of a source must not be empty',
    '21:40: drift[4].sources.a b: the label of a source must not hold control characters',
  ],
  'fallback.yml': [
    '4:31: mail[0].fallback: is the provider itself; name the other one, or none',
    '5:32: mail[1].fallback: needs a target under ses, or it is not known whether mail can leave that way',
    '7:30: mail[3].fallback: expected one of smtp, ses, none',
  ],
  'patroni.yml': [
    '4:25: patroni[0].cluster: there is no cluster "shp" among the postgres targets; did you mean "shop"?',
    '4:61: patroni[0].node: there is no postgres target "db-2"; did you mean "db-1"?',
    '5:36: patroni[1].url: the URL must not hold a user or a password; expected one such as http://db-1:8008',
    '6:62: patroni[2].user: goes together with password',
    '7:80: patroni[3].password: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '8:5: patroni[4].cluster: is missing; expected text',
    '8:21: patroni[4].url: not a valid URL; expected one such as http://db-1:8008',
    '8:47: patroni[4].max_dcs_age: expected a duration such as 500ms, 15s or 5m',
    '9:68: patroni[5].cert_file: goes together with key_file',
  ],
  'pg-settings.yml': [
    '5:20: write_path[0].pg_settings.PGSSLMOD: no driver reads a setting of this name; did you mean PGSSLMODE?',
    '5:39: write_path[0].pg_settings.HOME: no driver reads a setting of this name; expected one such as PGSSLMODE',
    '6:26: write_path[0].role_expiry_warning: expected a duration such as 12h or 14d',
  ],
  'watch.yml': ['1:8: watch: expected true or false', '6:12: postgres[0].watch: expected true or false'],
  'login_interval.yml': [
    '2:5: postgres[0]: login_interval needs the session of watch: leave it out, or let watch be true',
  ],
  'duration.yml': [
    '1:11: interval: expected a duration such as 500ms, 15s or 5m',
    '2:10: timeout: a duration lies between 100ms and 24h',
    '7:15: postgres[0].interval: expected a duration such as 500ms, 15s or 5m',
    '8:14: postgres[0].max_lag: expected a duration such as 500ms, 15s or 5m',
  ],
  'empty.yml': ['1:1: the file is empty; it needs at least one target, for example under `postgres`'],
  'entry-not-a-section.yml': ['2:5: postgres[0]: expected a section with keys'],
  'everything-at-once.yml': [
    '1:11: interval: the timeout (5 s) must be less than the interval (5 s)',
    '5:10: postgres[0].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '6:14: postgres[0].timeout: the timeout (10 s) must be less than the interval (5 s)',
    '7:5: postgres[1].cluster: is missing; expected text',
    '7:11: postgres[1].name: "db-1" is the name of postgres[0] already; a name stands for one target of a section',
    '9:5: postgres[1]: unknown key passwort; known keys: name, interval, timeout, cluster, url, password, driver, pg_settings, ca_file, cert_file, key_file, certificate_warning, max_lag, max_transaction_id_age, max_multixact_age, max_slot_wal, max_archive_failure, max_prepared_time, max_transaction_time, watch, login_interval',
    '12:11: smtp[0].host: expected a host name or an IP address, without port or scheme; it looks like a host with a port',
    '14:34: smtp[0].password.vault.target: there is no vault target "vault-1"; the file has no vault targets',
    '17:19: mail[0].smtp[1]: there is no smtp target "relay-2"; did you mean "relay"?',
  ],
  'haproxy.yml': [
    '2:5: haproxy[0]: give exactly one of url and socket',
    '3:5: haproxy[1]: give exactly one of url and socket',
    '7:10: haproxy[2].url: not a valid URL; expected one such as http://lb-1:8404/metrics',
    '9:13: haproxy[3].socket: expected the path of a Unix socket, or host:port',
    '11:13: haproxy[4].socket: expected the path of a Unix socket, or host:port',
    '13:13: haproxy[5].socket: expected the path of a Unix socket, or host:port',
    '15:13: haproxy[6].socket: expected the path of a Unix socket, or host:port',
    '17:10: haproxy[7].url: the URL must not hold a user or a password; expected one such as http://lb-1:8404/metrics',
    '20:11: haproxy[8].user: goes together with password',
    '21:16: haproxy[8].cert_file: goes together with key_file',
    '24:14: haproxy[9].ca_file: goes with url',
    '27:20: haproxy[10].servers.n1: there is no postgres target "db-2"; did you mean "db-1"?',
    '32:24: write_path[0].haproxy.target: there is no haproxy target "lb-2"; known are "none", "both", "page", "socket", "port", "six", "prefix", "login", "half", "files" and 1 more',
    '33:26: write_path[0].pgbouncer.target: there is no pgbouncer target "pool-1"; the file has no pgbouncer targets',
  ],
  'host.yml': [
    '3:11: smtp[0].host: expected a host name or an IP address, without port or scheme; it looks like a URL',
    '5:11: smtp[1].host: expected a host name or an IP address, without port or scheme; it looks like a host with a port',
    '7:11: smtp[2].host: expected a host name or an IP address, without port or scheme; it looks like a host with a port',
    '9:11: smtp[3].host: expected a host name or an IP address, without port or scheme',
  ],
  'ini.yml': [
    '4:11: smtp[0].user: ini, section and key go together: { ini: /path/to/credentials, section: default, key: NAME }',
    '5:15: smtp[0].password: ini, section and key go together: { ini: /path/to/credentials, section: default, key: NAME }',
    '8:11: smtp[1].user: ini, section and key go together: { ini: /path/to/credentials, section: default, key: NAME }',
    '9:22: smtp[1].password.ini: expected the path of a file; it looks like a URL',
    '11:11: smtp[2].host: a reference has exactly one source out of env, file, credential, dotenv, ini, kubernetes, vault; here are dotenv and ini',
    '12:45: smtp[2].user.section: must not be empty',
    '13:77: smtp[2].password.expand: goes with dotenv: nothing else is expanded by the application when it reads it',
  ],
  'interval-not-more-than-timeout.yml': ['1:11: interval: the timeout (5 s) must be less than the interval (5 s)'],
  'key-twice.yml': ['5:5: not valid YAML: the same key stands here a second time; keep one of them'],
  'kubeconfig-and-url.yml': ['3:8: kubernetes.url: the kubeconfig has it; take out url or kubeconfig'],
  'kubernetes-token-out-of-kubernetes.yml': [
    '2:10: kubernetes.token: what is needed to talk to Kubernetes cannot come out of Kubernetes or a Vault; use env, file, credential, dotenv or ini',
  ],
  'kubernetes-without-namespace.yml': [
    '5:25: smtp[0].host.kubernetes.namespace: is missing; it has a default only inside of a cluster, and kubernetes.kubeconfig is set',
    '8:25: settings[0].from.kubernetes.namespace: is missing; it has a default only inside of a cluster, and kubernetes.kubeconfig is set',
  ],
  'literal-secrets.yml': [
    '4:12: vault[0].token: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '9:15: smtp[0].password: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '13:17: ses[0].secret_key: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '18:26: settings[0].expect.SMTP_PASS: counts as a secret, and a secret must not stand in this file; write { present: true }, or add secret: false if it is none',
  ],
  'mail-names-unknown-targets.yml': [
    '7:12: mail[0].smtp[0]: there is no smtp target "mail.keybuzz.io"; the file has no smtp targets',
    '8:18: mail[0].write_path[0]: there is no write_path target "haproxy-write"; known are "haproxy"',
  ],
  'missing-keys.yml': [
    '2:5: postgres[0].name: is missing; expected text',
    '2:5: postgres[0].url: is missing; expected a URL such as postgres://mailpath@db-1:5432/postgres',
  ],
  'name-control-character.yml': ['2:11: postgres[0].name: a name must not hold control characters'],
  'name-empty.yml': ['2:11: postgres[0].name: a name must not be empty'],
  'name-too-long.yml': ['2:11: postgres[0].name: a name has at most 120 characters'],
  'name-twice.yml': [
    '5:11: postgres[1].name: "db-1" is the name of postgres[0] already; a name stands for one target of a section',
  ],
  'names.yml': [
    '6:16: write_path[0].cluster: there is no cluster "shp" among the postgres targets; did you mean "shop"? known are "shop", "books"',
    '7:46: write_path[1].cluster: there is no cluster "ledger" among the postgres targets; known are "shop", "books"',
    '12:39: mail[0].write_path[1]: there is no write_path target "Writes"; did you mean "writes"? known are "writes", "other", "DATABASE_URL"',
    '13:14: mail[0].smtp[0]: there is no smtp target "raley"; did you mean "relay"?',
    '14:13: mail[0].ses[0]: there is no ses target "backend"; the file has no ses targets',
    '17:14: drift[0].cluster: there is no cluster "Shop" among the postgres targets; did you mean "shop"? known are "shop", "books"',
    '18:38: drift[0].sources.a.vault.target: there is no vault target "vault"; the file has no vault targets',
  ],
  'no-source.yml': [
    '3:11: smtp[0].host: a reference has exactly one source out of env, file, credential, dotenv, ini, kubernetes, vault; for example { env: NAME }',
    '4:11: smtp[0].user: a reference has exactly one source out of env, file, credential, dotenv, ini, kubernetes, vault; for example { env: NAME }',
    '5:15: smtp[0].password: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
  ],
  'no-targets-but-mail.yml': [
    '1:1: there is no target; give at least one under postgres, patroni, haproxy, pgbouncer, write_path, smtp, vault, ses, dns, outbox, canary, settings, packages, drift',
  ],
  'no-targets.yml': [
    '1:1: there is no target; give at least one under postgres, patroni, haproxy, pgbouncer, write_path, smtp, vault, ses, dns, outbox, canary, settings, packages, drift',
  ],
  'no-vault-target.yml': [
    '5:45: settings[0].expect.SMTP_PASS.from.vault.target: there is no vault target "vault-01"; the file has no vault targets',
  ],
  'not-sections.yml': ['1:1: expected sections by name, such as `postgres:` with a list of targets below it'],
  'null-section.yml': ['1:10: postgres: is empty; expected a list of postgres targets'],
  'null-values.yml': [
    '2:10: smtp[0].name: is empty; expected text',
    '3:10: smtp[0].host: is empty; expected a host name or an IP address, without port or scheme',
    '4:10: smtp[0].port: is empty; expected a port number, not in quotes',
    '5:14: smtp[0].password: is empty; expected a reference, for example { env: NAME } or { file: /run/secrets/name }',
  ],
  'number-out-of-range.yml': ['5:15: write_path[0].sessions: must be 1 or more'],
  'outbox.yml': [
    '4:5: outbox[0].cluster: is missing; expected text',
    '4:5: outbox[0].table: is missing; expected text',
    '4:5: outbox[0].created: is missing; expected text',
    '4:5: outbox[0].pending: is missing; expected text',
    '5:31: outbox[1].cluster: there is no cluster "mian" among the postgres targets; did you mean "main"?',
    '6:5: outbox[2]: give exactly one of url and host',
    '7:5: outbox[3]: give exactly one of url and host',
    '8:65: outbox[4].database: database goes with host; a url says it itself',
    '8:79: outbox[4].sslmode: sslmode goes with host; a url says it itself',
    '9:42: outbox[5].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '9:84: outbox[5].password: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '13:13: outbox[6].driver: expected one of auto, libpq, node-postgres, postgres.js, prisma',
    '15:12: outbox[6].table: expected the name of a table, such as mailpath_heartbeat or app.mailpath_heartbeat',
    '16:14: outbox[6].created: expected the name of a column, such as created_at',
    '17:14: outbox[6].pending: must not be empty',
    '18:11: outbox[6].sent: expected the name of a column, such as created_at',
    '19:14: outbox[6].sending: expected an SQL condition such as "status = \'sending\'"; it holds a line break',
    '20:13: outbox[6].failed: expected text; put the value in quotes',
    '21:17: outbox[6].late_after: expected a duration such as 500ms, 15s or 5m',
    '22:18: outbox[6].stuck_after: a duration lies between 100ms and 24h',
    '23:18: outbox[6].quiet_after: expected a duration such as 12h or 14d',
    '24:12: outbox[6].limit: expected a whole number of 1 or more, not in quotes',
    '25:12: outbox[6].watch: expected true or false',
    '26:21: outbox[6].login_interval: expected a duration such as 500ms, 15s or 5m',
    '27:118: outbox[7].late_after: must not be more than stuck_after',
    '27:154: outbox[7].quiet_after: goes together with sent',
    '28:5: outbox[8]: login_interval needs the session of watch: leave it out, or let watch be true',
    '30:27: mail[0].outbox[0]: there is no outbox target "mails"; known are "nothing", "cluster", "nowhere", "both", "beside", "secrets", "values", "order", "logins"',
  ],
  'packages.yml': [
    '2:5: packages[0]: give at least one of require and forbid',
    '6:15: packages[1].require[0]: not the name of an npm package',
    '8:17: packages[1].forbid[0].file: must be a path inside the folder, without a leading / and without ..',
    '9:17: packages[1].forbid[1].file: must be a path inside the folder, without a leading / and without ..',
    '10:9: packages[1].forbid[2].pattern: is missing; expected text',
  ],
  'pgbouncer.yml': [
    '3:10: pgbouncer[0].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '4:15: pgbouncer[0].max_wait: expected a duration such as 500ms, 15s or 5m',
    '7:16: pgbouncer[1].cert_file: goes together with key_file',
  ],
  'port.yml': [
    '4:11: smtp[0].port: expected a port number, not in quotes',
    '7:11: smtp[1].port: a port lies between 1 and 65535',
    '10:11: smtp[2].port: expected a port number, not in quotes',
  ],
  'secret-in-braces.yml': [
    '5:17: smtp[0].password: unknown key without a value; known keys: env, file, credential, dotenv, ini, section, key, expand, kubernetes, vault, part, default',
  ],
  'secrets-without-token.yml': [
    '4:14: vault[0].secrets: reading secrets needs a token; set token to a reference, or log in by app_role or kubernetes',
  ],
  'section-not-a-list.yml': ['2:3: postgres: expected a list of postgres targets'],
  'ses.yml': [
    '2:5: ses[0].access_key: is missing; an application with a role has `credentials` in place of the keys',
    '2:5: ses[0].secret_key: is missing; an application with a role has `credentials` in place of the keys',
    '3:5: ses[1].secret_key: is missing; an application with a role has `credentials` in place of the keys',
    '4:31: ses[2].access_key: does not go with credentials: take one of them out',
    '4:65: ses[2].secret_key: does not go with credentials: take one of them out',
    '5:58: ses[3].session_token: does not go with credentials: take one of them out',
    '6:106: ses[4].session_token: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '7:32: ses[5].credentials: expected one of web_identity, container, instance',
    '8:52: ses[6].credentials.web_identity.token_file: is missing; expected text',
    '13:13: ses[7].verify: expected true or false',
    '14:11: ses[7].from: expected a mail address',
    '15:24: ses[7].configuration_set: must not be empty; leave it out or write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '16:14: ses[7].sandbox: expected true or false',
    '17:20: ses[7].quota_warning: expected a share such as 0.8, more than 0 and at most 1',
    '18:17: ses[7].recipients: expected a list of addresses',
    '19:15: ses[7].endpoint: not a valid URL; expected one such as https://email.eu-west-1.amazonaws.com',
    '20:14: ses[7].ca_file: expected the path of a file; it looks like a key or a certificate in PEM',
    '21:14: ses[7].monitor.secret_key: is missing; expected a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '26:20: ses[8].quota_warning: expected a share such as 0.8, more than 0 and at most 1',
    '27:42: ses[8].recipients[1]: expected a mail address',
    '28:15: ses[8].endpoint: the URL must not hold a user or a password; expected one such as https://email.eu-west-1.amazonaws.com',
    '29:62: ses[8].monitor.secret_key: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '32:17: ses[9].interval: AWS counts requests: ask at most every 15s',
    '33:126: ses[10].interval: the timeout (5 s) must be less than the interval (5 s)',
    '34:19: ses[10].recipients: has more than 10 addresses',
    '36:17: ses[11].endpoint: would get the session token without TLS; use https',
  ],
  'settings-expectations.yml': [
    '4:13: settings[0].expect: name at least one setting, for example SMTP_HOST: { present: true }',
    '8:17: settings[1].expect.SMTP_HOST: is empty; expected a value, or keys such as { present: true }',
    '9:18: settings[1].expect.SMTP_PORT: only whole numbers are compared as they stand; put the value in quotes',
    '10:18: settings[1].expect.SMTP_USER: an expected value must not be empty; write { present: true } where any value will do',
    '11:31: settings[1].expect.SMTP FROM.present: expected true; where the setting may be absent write optional: true',
    '12:25: settings[1].expect.EMAIL_PROVIDER: unknown key equal; known keys: equals, present, optional, default, secret, from',
  ],
  'settings-source.yml': [
    '3:11: settings[0].from: expected either { dotenv: /path/to/.env } or { kubernetes: { namespace: …, secret: … } }',
    '6:11: settings[1].from: expected either { dotenv: /path/to/.env } or { kubernetes: { namespace: …, secret: … } }',
  ],
  'syntax-block.yml': [
    '5:16: not valid YAML: unexpected here; put the value in quotes, or look for a quote or bracket that is missing before',
  ],
  'syntax-escape.yml': ['5:16: not valid YAML: not an escape sequence; put the value in single quotes'],
  'syntax-no-colon.yml': [
    '5:5: not valid YAML: something is missing: a colon and a space behind a key, a comma, a closing quote or bracket',
  ],
  'syntax-quote.yml': [
    '6:1: not valid YAML: something is missing: a colon and a space behind a key, a comma, a closing quote or bracket',
  ],
  'syntax-reserved-character.yml': ['5:15: not valid YAML: a value cannot begin with this character; put it in quotes'],
  'syntax-second-colon.yml': [
    '5:15: not valid YAML: a second key or a list begins in this line; put a value that has ": " in it in quotes',
  ],
  'syntax-several.yml': [
    '5:16: not valid YAML: not an escape sequence; put the value in single quotes',
    '6:15: not valid YAML: a value cannot begin with this character; put it in quotes',
    '7:5: not valid YAML: the same key stands here a second time; keep one of them',
  ],
  'syntax-tag.yml': ['5:15: not valid YAML: an unknown tag; put a value that begins with ! in quotes'],
  'syntax-template.yml': ['5:16: not valid YAML: a key must be text; put a value that begins with { or [ in quotes'],
  'tab-indentation.yml': ['2:1: not valid YAML: indented with a tab; use spaces'],
  'target-interval-not-more-than-timeout.yml': [
    '6:15: postgres[0].interval: the timeout (10 s) must be less than the interval (8 s)',
  ],
  'target-timeout-not-less-than-interval.yml': [
    '5:14: postgres[0].timeout: the timeout (15 s) must be less than the interval (15 s)',
  ],
  'timeout-not-less-than-interval.yml': ['1:10: timeout: the timeout (20 s) must be less than the interval (15 s)'],
  'two-documents.yml': ['5:1: not valid YAML: a second document begins here; write one document, without ---'],
  'two-sources.yml': [
    '5:15: smtp[0].password: a reference has exactly one source out of env, file, credential, dotenv, ini, kubernetes, vault; here are env and file',
  ],
  'unknown-key-in-nested-section.yml': [
    '4:25: write_path[0].host.kubernetes.key: is missing; expected text',
    '4:67: write_path[0].host.kubernetes: unknown key kye; known keys: namespace, secret, key',
  ],
  'unknown-key-in-reference.yml': [
    '5:17: postgres[0].password: unknown key flie; known keys: env, file, credential, dotenv, ini, section, key, expand, kubernetes, vault, part, default',
  ],
  'unknown-key-in-target.yml': [
    '5:5: postgres[0]: unknown key user; known keys: name, interval, timeout, cluster, url, password, driver, pg_settings, ca_file, cert_file, key_file, certificate_warning, max_lag, max_transaction_id_age, max_multixact_age, max_slot_wal, max_archive_failure, max_prepared_time, max_transaction_time, watch, login_interval',
    '6:5: postgres[0]: unknown key databse; known keys: name, interval, timeout, cluster, url, password, driver, pg_settings, ca_file, cert_file, key_file, certificate_warning, max_lag, max_transaction_id_age, max_multixact_age, max_slot_wal, max_archive_failure, max_prepared_time, max_transaction_time, watch, login_interval',
  ],
  'unknown-section.yml': [
    '5:1: unknown key postgress; known keys: interval, timeout, watch, kubernetes, postgres, patroni, haproxy, pgbouncer, write_path, smtp, vault, ses, dns, outbox, canary, settings, packages, drift, mail',
  ],
  'unknown-vault-target.yml': [
    '9:34: smtp[0].password.vault.target: there is no vault target "vault-02"; did you mean "vault-01"?',
  ],
  'url-and-host.yml': ['2:5: write_path[0]: give exactly one of url and host'],
  'url-with-password.yml': [
    '4:10: postgres[0].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '8:10: write_path[0].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
  ],
  'url-postgres.yml': [
    '4:10: postgres[0].url: the URL has an sslmode that does not exist; there are disable, allow, prefer, require, verify-ca, verify-full, no-verify',
    '7:10: postgres[1].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '10:10: postgres[2].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '13:10: postgres[3].url: the URL has more than one @ before the path: encode those of the user and the password as %40',
    '16:10: postgres[4].url: not a valid URL; expected one such as postgres://mailpath@db-1:5432/postgres (libpq: invalid integer value for connection option "port"; node-postgres: Invalid URL; postgres.js: Invalid URL; prisma: the scheme, the host or the port of the URL is invalid)',
    '19:10: postgres[5].url: the URL is a JDBC URL with sslfactory, which cannot be followed here',
    '26:10: write_path[0].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
  ],
  'url-in-doubt.yml': [
    '2:46: write_path[0].url: the URL has a raw / before an @: if that is part of the password, encode it as %2F',
    '4:28: vault[0].url: the URL has more than one @ before the path: encode those of the user and the password as %40',
  ],
  'url.yml': [
    '4:10: postgres[0].url: the URL is of another kind of server; expected one such as postgres://user@host:5432/database',
    '7:10: postgres[1].url: the URL holds a password, and a secret must not stand in this file; take it out and set password to a reference, for example { env: NAME }',
    '10:10: postgres[2].url: the URL is none of Postgres; expected one such as postgres://user@host:5432/database',
    '13:10: vault[0].url: expected a URL such as https://vault-01:8200',
  ],
  'user-without-password.yml': ['2:5: smtp[0].password: is missing: user and password go together'],
  'vault-auths.yml': [
    '6:7: vault[0].app_role: there is token already; give only one of token, app_role, kubernetes',
    '11:16: vault[1].app_role.role_id: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '12:18: vault[1].app_role.secret_id: a secret must not stand in this file; write a reference, for example { env: NAME } or { file: /run/secrets/name }',
    '13:14: vault[1].app_role.mount: expected the mount alone, such as approle, without auth/ and /login',
    '16:17: vault[2].kubernetes.role: is missing; expected text',
    '16:26: vault[2].kubernetes.mount: expected the mount alone, such as kubernetes, without auth/ and /login',
    '16:39: vault[2].kubernetes: unknown key jwt; known keys: role, mount, jwt_file',
    '21:18: vault[3].app_role.secret_id: what is needed to talk to a Vault cannot come out of a Vault; use env, file, credential, dotenv, ini or kubernetes',
    '24:15: vault[4].app_role.secret_id: is missing; expected a reference, for example { env: NAME } or { file: /run/secrets/name }',
  ],
  'vault-paths.yml': [
    '5:16: vault[0].cert_file: goes together with key_file',
    '7:15: vault[0].secrets[0].path: ends with a slash, and so names a folder; take it away',
    '12:50: smtp[0].password.vault.path: has two slashes in a row; take one away',
  ],
  'vault-token-out-of-vault.yml': [
    '4:12: vault[0].token: what is needed to talk to a Vault cannot come out of a Vault; use env, file, credential, dotenv, ini or kubernetes',
  ],
  'vault-url-with-user.yml': [
    '3:10: vault[0].url: the URL must not hold a user or a password; expected one such as https://vault-01:8200',
  ],
  'vault-without-token.yml': [
    '8:34: smtp[0].password.vault.target: the vault target "vault-01" has no token to read it with; give it one of token, app_role, kubernetes',
  ],
  'variables.yml': [
    ...[
      ['1:11: interval', 'INTERVAL'],
      ['4:11: smtp[0].host', 'SMTP_HOST'],
      ['5:11: smtp[0].user', 'STAGE'],
      ['6:15: smtp[0].password', 'SMTP_PASS'],
      ['7:14: smtp[0].ca_file', 'CA_FILE'],
      ['8:11: smtp[1].name', 'RELAY'],
      ['9:18: smtp[1].host.env', 'VARIABLE'],
      ['14:18: settings[0].expect.SMTP_HOST', 'SMTP_HOST'],
      ['15:29: settings[0].expect.LOG_FORMAT.equals', undefined],
      ['21:34: settings[1].expect.ELSEWHERE.from.file', 'FOLDER'],
      ['27:13: packages[0].folder', 'APP'],
    ].map(
      ([at = '', name]) =>
        `${at}: holds \${${name ?? '…'}}, and variables are not expanded in this file; write { env: ${name ?? 'NAME'} } where a reference can stand, else the value itself`,
    ),
  ],
  'shapes.yml': [
    '3:11: smtp[0].host: expected a host name or an IP address, without port or scheme; it looks like user:password@host',
    '4:11: smtp[0].user: expected the name of a user, in one line; it looks like user:password@host',
    '5:23: smtp[0].password.file: expected the path of a file; it looks like a URL',
    '6:14: smtp[0].ca_file: expected the path of a file; it looks like a key or a certificate in PEM',
    '8:11: smtp[1].host: expected a host name or an IP address, without port or scheme; it has white space around it',
    '9:18: smtp[1].user.env: expected a name, in one line; it looks like a URL',
    '10:41: smtp[1].password.expand: goes with dotenv: nothing else is expanded by the application when it reads it',
    '14:58: settings[0].from.expand: goes with dotenv: nothing else is expanded by the application when it reads it',
    '16:17: settings[0].expect.DATABASE: holds a password or a key, which must not stand in this file; write { present: true }',
    '17:15: settings[0].expect.SIGNER: holds a password or a key, which must not stand in this file; write { present: true }',
    '18:16: settings[0].expect.API_KEY: counts as a secret, and a secret must not stand in this file; write { present: true }, or add secret: false if it is none',
    '21:16: vault[0].namespace: expected a name, in one line; it looks like a JSON document',
  ],
  'wrong-types.yml': [
    '1:11: interval: expected a duration such as 500ms, 15s or 5m',
    '3:11: postgres[0].name: expected text; put the value in quotes',
    '4:14: postgres[0].cluster: expected text',
    '5:10: postgres[0].url: expected a URL such as postgres://mailpath@db-1:5432/postgres',
    '8:13: packages[0].folder: expected text; put the value in quotes',
    '9:14: packages[0].require: expected a list of packages',
    '15:18: ses[0].implemented: expected true or false, not in quotes',
  ],
}

async function problem(file: string): Promise<string> {
  const thrown: unknown = await loadConfig(file).catch((error: unknown) => error)
  if (!(thrown instanceof ConfigError)) throw new Error(`not a ConfigError: ${String(thrown)}`)
  return thrown.message
}

describe('a bad file', () => {
  it.each(Object.entries(messages))('%s', async (name, lines) => {
    const file = join(folder, name)
    expect(await problem(file)).toBe(lines.map(line => `${file}:${line}`).join('\n'))
  })

  it('is in this table', async () => {
    expect((await readdir(folder)).sort()).toEqual(Object.keys(messages).sort())
  })

  it('is never quoted: what is wrong may be a secret', async () => {
    const files = await Promise.all(Object.keys(messages).map(name => readFile(join(folder, name), 'utf8')))
    expect(files.filter(text => text.includes('canary')).length).toBeGreaterThan(12)
    // There is a section of that name.
    const others = JSON.stringify(Object.values(messages)).replaceAll(
      /canary(?=\[\d|, settings| target| sends| out")/g,
      '',
    )
    expect(others).not.toContain('canary')
  })
})

describe('what is no file of settings at all', () => {
  async function scratch(name: string, content: string | Uint8Array): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'mailpath-config-'))
    onTestFinished(() => rm(made, { recursive: true }))
    const file = join(made, name)
    await writeFile(file, content)
    return file
  }

  it('missing', async () => {
    expect(await problem('/nowhere/mailpath.yml')).toBe(
      '/nowhere/mailpath.yml: there is no such file; give its path with --config.file',
    )
  })

  it('a directory', async () => {
    expect(await problem(folder)).toBe(`${folder}: is a directory; give the path of a file with --config.file`)
  })

  it('one that may not be read', async () => {
    const file = await scratch('mailpath.yml', 'postgres: []\n')
    await chmod(file, 0)
    // Root may read everything, so a test that runs as root steps down for this one.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65534)
    try {
      expect(await problem(file)).toMatch(/permission denied; let the user the exporter runs as read it$/)
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  })

  it.each([
    ['Latin-1', Uint8Array.of(0x23, 0xe9, 0x0a)],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 0x61, 0x00)],
  ])('%s', async (_, bytes) => {
    const file = await scratch('mailpath.yml', bytes)
    expect(await problem(file)).toBe(`${file}: not UTF-8 text; save the file as UTF-8`)
  })

  it.each(['__proto__'])('a key that would be taken for the prototype: %s', key => {
    const entries = { expect: 'from: { dotenv: x }', sources: 'name: b' }
    for (const [where, more] of Object.entries(entries))
      expect(() => parseConfig(`drift:\n- ${more}\n  ${where}:\n    ${key}: x\n`, 'c')).toThrow(
        'c:4:5: __proto__ cannot be a name here; take another one',
      )
  })

  it('more targets than there can be', () => {
    const text = `smtp:\n${Array.from({ length: 10_001 }, (_, i) => `- { name: r${i}, host: h }\n`).join('')}`
    expect(() => parseConfig(text, 'c')).toThrow(
      /^c:1:1: has 10001 targets, and one exporter takes 10000; divide them among several files$/,
    )
  })

  it('a pipe, a device, a link that leads back to itself', async () => {
    const made = await mkdtemp(join(tmpdir(), 'mailpath-config-'))
    onTestFinished(() => rm(made, { recursive: true }))
    const [pipe, loop] = [join(made, 'pipe'), join(made, 'loop')]
    execFileSync('mkfifo', [pipe])
    await symlink('loop', loop)
    expect(await problem(pipe)).toBe(`${pipe}: is not a regular file; give the path of one with --config.file`)
    expect(await problem('/dev/zero')).toBe('/dev/zero: is not a regular file; give the path of one with --config.file')
    expect(await problem(loop)).toBe(`${loop}: is a symbolic link that leads back to itself`)
  })

  it('a huge one', async () => {
    const file = await scratch('mailpath.yml', '#'.repeat(1_048_577))
    expect(await problem(file)).toBe(`${file}: larger than 1 MiB; this is not a configuration file`)
  })

  it.each([
    ['[', 'c:1:51'],
    ['{a: ', 'c:1:198'],
    ['- ', 'c:1:100'],
  ])('nothing but %j: composing it would end the process', (opening, position) => {
    const text = opening.repeat(1_000_000 / opening.length)
    expect(() => parseConfig(text, 'c')).toThrow(`${position}: not valid YAML: nested deeper than 50 levels`)
  })

  it('one with a problem in each line: it tells the first 50', () => {
    const lines = Array.from({ length: 53 }, (_, i) => `key${i}: 1`)
    const text = ['postgres: [1]', ...lines].join('\n')
    expect(() => parseConfig(text, 'c')).toThrow(/^c:1:12: .*\n(c:\d+:1: unknown key .*\n){49}c: and 4 more problems$/)
  })

  it('one whose keys would break the lines of the message', () => {
    expect(() => parseConfig('"a\\nb\\e[31m": 1\npostgres: [{ "x\\u2028y": 1 }]\n', 'c')).toThrow(
      /^(c:\d+:\d+: [^\p{Cc}\u2028]+\n)+c:\d+:\d+: [^\p{Cc}\u2028]+$/u,
    )
  })
})
