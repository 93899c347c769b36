/** A Postfix of its own in a temporary folder: what all of them have in common. Needs root. */
import { chmod, chown, mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Certificate } from './certificates.ts'
import {
  account,
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

export interface PostfixInstance {
  /** Everything that is its own; the configuration is in `etc`. */
  readonly folder: string
  readonly process: RunningProcess
  /** Has it read a file in its `etc` that is this text from now on. `change` gets the text as it was at the start. */
  readonly rewrite: (file: string, change: (first: string) => string) => Promise<void>
  /** Runs one of its commands, such as `postqueue`, and gives what it printed. */
  readonly run: (command: string, args: readonly string[]) => Promise<string>
  readonly stop: () => Promise<void>
}

export interface InstanceOptions {
  /** What comes after the common lines of main.cf. */
  readonly main: (folder: string) => string
  /** What comes before the common lines of master.cf. */
  readonly services: (folder: string) => string
  /** More files in `etc`, by name. */
  readonly files?: Readonly<Record<string, string>>
  readonly ports: readonly number[]
  readonly login?: Login | undefined
}

const mainCf = (folder: string): string => `compatibility_level = 3.6
config_directory = ${folder}/etc
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /dev/stdout
alias_maps =
alias_database =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = ${folder}/etc/sasl
smtpd_sasl_local_domain = localhost
`

const masterCf = `pickup unix n - n 60 1 pickup
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
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

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

/** A certificate with its key, as `smtpd_tls_chain_files` wants it. */
export const pem = ({ key, cert }: Certificate) => `${key.trim()}\n${cert.trim()}\n`

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  const aMinuteAgo = new Date(Date.now() - 60_000)
  // Postfix waits for seconds before it trusts a file written just now.
  await utimes(file, aMinuteAgo, aMinuteAgo)
}

/** The login goes into a Cyrus sasldb. */
async function allow(folder: string, { user, password }: Login): Promise<void> {
  const [name = user, domain = 'localhost'] = user.split('@')
  const database = path.join(folder, 'etc/sasldb2')
  await runProcess(have('saslpasswd2') ?? 'saslpasswd2', ['-p', '-c', '-f', database, '-u', domain, name], {
    input: password,
    cwd: '/',
  })
  await chmod(database, 0o644)
}

export async function startInstance(
  name: string,
  { main, services, files = {}, ports, login }: InstanceOptions,
): Promise<PostfixInstance> {
  const [master, owner] = [postfixBinary(), account('postfix')]
  if (master === undefined || owner === undefined) throw new Error(`Postfix cannot run here: ${postfixInstall}`)
  const folder = tempFolder(`mailpath-${name}-`)
  const inEtc = (file: string): string => path.join(folder, 'etc', file)
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', MAIL_CONFIG: path.join(folder, 'etc') }
  await makeFolders(folder, owner.uid)
  const all = {
    ...files,
    'main.cf': mainCf(folder) + main(folder),
    'master.cf': services(folder) + masterCf,
    'sasl/smtpd.conf': smtpdConf(folder),
  }
  for (const [file, text] of Object.entries(all)) await write(inEtc(file), text)
  if (login) await allow(folder, login)
  const running = startProcess(name, master, ['-c', path.join(folder, 'etc'), '-s'], {
    cwd: '/',
    // A file: postlogd opens /dev/stdout anew, which fails on the socket that Node calls a pipe.
    logFile: path.join(folder, 'postfix.log'),
    env,
  })
  for (const port of ports) await untilListening(running, port)
  const first = new Map<string, string>()
  return {
    folder,
    process: running,
    async rewrite(file, change) {
      const text = first.get(file) ?? (await readFile(inEtc(file), 'utf8'))
      first.set(file, text)
      await write(inEtc(file), change(text))
      running.signal('SIGHUP')
    },
    run: (command, args) =>
      runProcess(`/usr/sbin/${command}`, ['-c', path.join(folder, 'etc'), ...args], { cwd: '/', env }),
    async stop() {
      await running.stop('SIGTERM', 1000)
      await removeFolder(folder)
    },
  }
}
