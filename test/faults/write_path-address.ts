import { lookup } from 'node:dns/promises'
import { rm } from 'node:fs/promises'
import { makeUnreadable } from '../servers/unreadable.ts'
import { one, two } from './cluster-stage.ts'
import type { Expectation, Fault } from './fault.ts'
import { secretName, type WritePathStage } from './write_path-stage.ts'

const fails = (code: string, target = 'app'): Expectation => ({ verdict: 'fail', root: `write_path/${target} ${code}` })
const unresolved = (target: string): Expectation => ({
  verdict: 'unknown',
  root: `write_path/${target} reference_unresolved`,
  samples: {
    [`mailpath_write_path_reachable{target="${target}",postgres_cluster="kb"}`]: null,
    [`mailpath_write_path_writable{target="${target}",postgres_cluster="kb"}`]: null,
  },
})
const notUnderstood: Expectation = { ...unresolved('app'), root: 'write_path/app write_path_url_not_understood' }
const fine: Expectation = {
  verdict: 'ok',
  samples: { 'mailpath_write_path_writable{target="app",postgres_cluster="kb"}': 1 },
}

const withEnv = (name: string, text: (stage: WritePathStage) => string, seen: Expectation): Fault<WritePathStage> => ({
  name,
  inject: stage => stage.writeEnv(text(stage)),
  heal: stage => stage.reset(),
  seen,
})
const withUrl = (name: string, change: (url: string) => string, seen: Expectation): Fault<WritePathStage> =>
  withEnv(`DATABASE_URL: ${name}`, stage => `DATABASE_URL=${change(stage.url())}\n`, seen)
const withSecret = (
  name: string,
  inject: (stage: WritePathStage) => void,
  seen: Expectation,
): Fault<WritePathStage> => ({
  name: `Secret PGHOST: ${name}`,
  inject(stage) {
    inject(stage)
    return Promise.resolve()
  },
  heal: stage => stage.reset(),
  seen,
})

const addresses = await lookup('localhost', { all: true })
/** Proven all the same, by test/two-addresses.test.ts, for a name of its own. */
const oneAddress = addresses.length > 1 ? undefined : 'localhost has only one address here'

const urlFaults: readonly Fault<WritePathStage>[] = [
  withUrl(
    'a name that does not resolve',
    url => url.replace('127.0.0.1', 'db.invalid'),
    fails('write_path_unreachable'),
  ),
  {
    ...withUrl('a name with two addresses, of which one is dead', url => url.replace('127.0.0.1', 'localhost'), fine),
    skip: oneAddress,
  },
  withUrl(
    'a port without a listener',
    url => url.replace(/127.0.0.1:\d+/, 'localhost:9'),
    fails('write_path_unreachable'),
  ),
  withUrl('no URL at all', url => url.replace('://', '//'), notUnderstood),
  withUrl('of another kind of server', url => url.replace('postgres:', 'mysql:'), notUnderstood),
  withUrl('a port that is no number', url => url.replace(/:(\d+)\//, ':five/'), fails('write_path_url_refused')),
  // libpq refuses it, and the others take the password as it stands.
  withUrl('a percent sign that is not encoded', url => url.replace(/:kb-/, ':100%-'), fails('write_path_login_failed')),
]

const envFaults: readonly Fault<WritePathStage>[] = [
  { name: '.env: missing', inject: stage => rm(stage.envFile), heal: stage => stage.reset(), seen: unresolved('app') },
  {
    name: '.env: unreadable',
    inject: stage => makeUnreadable(stage.envFile),
    heal: stage => stage.reset(),
    seen: unresolved('app'),
  },
  withEnv('.env: without the key', () => 'SMTP_HOST=mail-core-01\n', unresolved('app')),
  withEnv('.env: an empty value', () => 'DATABASE_URL=\n', unresolved('app')),
  withEnv('.env: with quotes', stage => `DATABASE_URL="${stage.url()}"\n`, fine),
  withEnv('.env: with the export prefix', stage => `export DATABASE_URL=${stage.url()}\n`, fine),
  withEnv('.env: with CRLF line ends', stage => `SMTP_PORT=587\r\nDATABASE_URL=${stage.url()}\r\n`, fine),
  {
    name: '.env: replaced under way, and now naming a standby',
    inject: stage => stage.replaceEnv(`DATABASE_URL=${stage.url(two)}\n`),
    heal: stage => stage.replaceEnv(`DATABASE_URL=${stage.url(one)}\n`),
    seen: fails('write_path_read_only'),
  },
]

const secret = 'secret PGHOST'
const behind = (code: string): Expectation => ({
  verdict: 'unknown',
  root: `kubernetes/api-server ${code}`,
  reasons: [`write_path/${secret} reference_unresolved`],
})
const secretFaults: readonly Fault<WritePathStage>[] = [
  withSecret('missing', ({ kubernetes }) => Reflect.deleteProperty(kubernetes.secrets, secretName), unresolved(secret)),
  withSecret(
    'key missing',
    ({ kubernetes }) => (kubernetes.secrets[secretName] = { PGPORT: '5432' }),
    unresolved(secret),
  ),
  withSecret('reading it forbidden (403)', ({ kubernetes }) => (kubernetes.forbid = true), unresolved(secret)),
  withSecret(
    'API server silent',
    ({ kubernetes }) => (kubernetes.misbehaviour = 'silent'),
    behind('kubernetes_no_answer'),
  ),
  withSecret(
    'a load balancer answers instead',
    ({ kubernetes }) => (kubernetes.misbehaviour = 'html'),
    behind('kubernetes_not_an_api_server'),
  ),
  withSecret(
    'host with a line break at its end',
    stage => stage.setSecret({ PGHOST: '127.0.0.1\n' }),
    fails('write_path_unreachable', secret),
  ),
  withSecret(
    'password with a line break at its end',
    stage => stage.setSecret({ PGPASSWORD: `${stage.cluster.logins.backend.password}\n` }),
    fails('write_path_login_failed', secret),
  ),
  withSecret(
    'names a standby',
    stage => stage.setSecret({ PGPORT: String(stage.cluster.node(two).port) }),
    fails('write_path_read_only', secret),
  ),
]

/** Where the path gets its address from. */
export const addressFaults: readonly Fault<WritePathStage>[] = [...urlFaults, ...envFaults, ...secretFaults]
