/** A real Postfix with logins out of a Cyrus sasldb, on four ports that differ in their TLS. Needs root. */
import { chmod, chown, mkdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates, type Certificate } from './certificates.ts'
import {
  account,
  freePort,
  have,
  isRoot,
  removeFolder,
  runProcess,
  startProcess,
  tempFolder,
  untilListening,
  type RunningProcess,
} from './processes.ts'
import { type Login } from './postgres-session.ts'

export const postfixInstall = 'as root: apt-get install postfix sasl2-bin libsasl2-modules'

/** The master daemon, when this machine and this user can run all of it. */
export function postfixBinary(): string | undefined {
  return isRoot() && have('saslpasswd2') !== undefined && account('postfix') !== undefined ? have('master') : undefined
}

export interface Postfix {
  readonly host: string
  /** Everything that is its own; the configuration is in `etc`. */
  readonly folder: string
  readonly ports: {
    /** AUTH is offered after STARTTLS only. */
    starttls: number
    /** No TLS at all; AUTH in clear. */
    plain: number
    /** As `starttls`, with a certificate that has expired. */
    expired: number
    /** TLS from the first byte. */
    tls: number
    /** As `starttls`, for clients with a certificate only. */
    clients: number
    /** As `clients`, TLS from the first byte. */
    clientsTls: number
    /** Behind postscreen, which begins to greet and then waits for two seconds; no TLS. */
    postscreen: number
  }
  readonly login: Login
  /** The authority to trust. */
  readonly ca: string
  readonly process: RunningProcess
  stop: () => Promise<void>
}

const host = '127.0.0.1'

function mainCf(folder: string): string {
  return `compatibility_level = 3.6
config_directory = ${folder}/etc
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.2/32
maillog_file = /dev/stdout
alias_maps =
alias_database =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = ${folder}/etc/sasl
smtpd_sasl_local_domain = localhost
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_tls_chain_files = ${folder}/etc/good.pem
smtpd_tls_CAfile = ${folder}/etc/ca.pem
postscreen_greet_wait = 2s
postscreen_greet_banner = please wait
smtpd_tls_loglevel = 1
default_transport = discard
local_transport = discard
`
}

function masterCf(folder: string, ports: Postfix['ports']): string {
  const { starttls, plain, expired, tls, clients, clientsTls, postscreen } = ports
  const starttlsOptions = '-o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes'
  return `${host}:${starttls} inet n - n - - smtpd
  ${starttlsOptions} -o syslog_name=starttls
${host}:${plain} inet n - n - - smtpd
  -o smtpd_tls_security_level=none -o syslog_name=plain
${host}:${expired} inet n - n - - smtpd
  ${starttlsOptions} -o smtpd_tls_chain_files=${folder}/etc/expired.pem -o syslog_name=expired
${host}:${tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt -o syslog_name=tls
${host}:${clients} inet n - n - - smtpd
  ${starttlsOptions} -o smtpd_tls_req_ccert=yes -o syslog_name=clients
${host}:${clientsTls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes -o syslog_name=clientsTls
${host}:${postscreen} inet n - n - 1 postscreen
  -o smtpd_tls_security_level=none
smtpd pass - - n - - smtpd
  -o smtpd_tls_security_level=none -o smtpd_client_restrictions=permit
dnsblog unix - - n - 0 dnsblog
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`
}

const smtpdConf = (folder: string) => `pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: ${folder}/etc/sasldb2
`

/** What `postfix check` would make, without its seconds of checking. */
async function makeFolders(folder: string, uid: number): Promise<void> {
  await chmod(folder, 0o755)
  for (const name of ['etc', 'etc/sasl', 'queue', 'queue/pid']) await mkdir(path.join(folder, name))
  const owned = ['maildrop', 'hold', 'incoming', 'active', 'deferred', 'bounce', 'defer', 'flush', 'saved', 'corrupt']
  for (const name of ['data', ...[...owned, 'trace', 'private', 'public'].map(queue => `queue/${queue}`)]) {
    await mkdir(path.join(folder, name), { mode: 0o700 })
    await chown(path.join(folder, name), uid, 0)
  }
  await chmod(path.join(folder, 'queue/public'), 0o711)
}

const pem = ({ key, cert }: Certificate) => `${key.trim()}\n${cert.trim()}\n`

async function configure(folder: string, ports: Postfix['ports'], { user, password }: Login): Promise<string> {
  const { ca, good, expired } = await certificates()
  const files = {
    'main.cf': mainCf(folder),
    'master.cf': masterCf(folder, ports),
    'sasl/smtpd.conf': smtpdConf(folder),
    'good.pem': pem(good),
    'expired.pem': pem(expired),
    'ca.pem': ca,
  }
  const aMinuteAgo = new Date(Date.now() - 60_000)
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, 'etc', name)
    await writeFile(file, text)
    // Postfix waits for seconds before it trusts a file written just now.
    await utimes(file, aMinuteAgo, aMinuteAgo)
  }
  const [name = user, domain = 'localhost'] = user.split('@')
  const database = path.join(folder, 'etc/sasldb2')
  await runProcess(have('saslpasswd2') ?? 'saslpasswd2', ['-p', '-c', '-f', database, '-u', domain, name], {
    input: password,
    cwd: '/',
  })
  await chmod(database, 0o644)
  return ca
}

export async function startPostfix({
  login = { user: 'probe', password: 'secret' },
}: { login?: Login } = {}): Promise<Postfix> {
  const [master, owner] = [postfixBinary(), account('postfix')]
  if (master === undefined || owner === undefined) throw new Error(`Postfix cannot run here: ${postfixInstall}`)
  const folder = tempFolder('mailpath-postfix-')
  await makeFolders(folder, owner.uid)
  const ports = {
    starttls: await freePort(),
    plain: await freePort(),
    expired: await freePort(),
    tls: await freePort(),
    clients: await freePort(),
    clientsTls: await freePort(),
    postscreen: await freePort(),
  }
  const ca = await configure(folder, ports, login)
  const running = startProcess('postfix', master, ['-c', path.join(folder, 'etc'), '-s'], {
    cwd: '/',
    // A file: postlogd opens /dev/stdout anew, which fails on the socket that Node calls a pipe.
    logFile: path.join(folder, 'postfix.log'),
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', MAIL_CONFIG: path.join(folder, 'etc') },
  })
  for (const port of Object.values(ports)) await untilListening(running, port)
  return {
    host,
    folder,
    ports,
    login,
    ca,
    process: running,
    stop: async () => {
      await running.stop('SIGTERM', 1000)
      await removeFolder(folder)
    },
  }
}
