/** A real Dovecot: IMAP with and without TLS, LMTP, folders with their uses, quota. Needs root. */
import { chmod, chown, mkdir, utimes, writeFile } from 'node:fs/promises'
import net from 'node:net'
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
  waitFor,
  type Account,
  type RunningProcess,
} from './processes.ts'

export const dovecotInstall = 'as root: apt-get install dovecot-imapd dovecot-lmtpd'

/** The server, when this machine and this user can run all of it. */
export function dovecotBinary(): string | undefined {
  const all = isRoot() && have('doveadm') !== undefined && account('dovenull') !== undefined
  return all ? have('dovecot') : undefined
}

interface DovecotOptions {
  /** Password by user. The user is a whole address. Default: one user, `canary@example.test`. */
  users?: Readonly<Record<string, string>>
  /** Refuse logins without TLS (LOGINDISABLED) at 127.0.0.2: who comes from the same address is trusted. Default: no. */
  tlsOnly?: boolean
  /** More lines for dovecot.conf, such as `imap_capability = IMAP4rev1 IDLE`. */
  settings?: string
  /** Wrong passwords are answered at once, and hold back nobody. Default: yes. */
  quick?: boolean
}

/** A mail in a folder. */
export interface Stored {
  readonly uid: number
  readonly flags: string
  readonly subject: string
  /** The value of `X-Mailpath-Canary`, or ''. */
  readonly canary: string
}

export interface Dovecot {
  readonly host: string
  /** Everything that is its own. */
  readonly folder: string
  readonly ports: {
    /** Clear text, and STARTTLS. */
    imap: number
    /** TLS from the first byte. */
    imaps: number
    lmtp: number
  }
  /** The first of its users. */
  readonly user: string
  readonly password: string
  /** The authority to trust. */
  readonly ca: string
  readonly process: RunningProcess
  /** Runs doveadm on it and gives what it printed. */
  doveadm: (args: readonly string[], input?: string) => Promise<string>
  /** Hands a mail over by LMTP and gives the answer after DATA, or the first that refuses. `user+Junk@…` goes to Junk. */
  deliver: (mail: string, more?: { to?: string; from?: string }) => Promise<string>
  /** Puts a mail there, as `doveadm save` does. */
  save: (mail: string, folder?: string, user?: string) => Promise<void>
  /** Puts that number of small mails of others there. */
  fill: (count: number, folder?: string, user?: string) => Promise<void>
  /** What is in a folder, by UID. */
  messages: (folder?: string, user?: string) => Promise<Stored[]>
  move: (from: string, to: string, user?: string) => Promise<void>
  /** The folder gets another UIDVALIDITY, and its mails other UIDs. */
  renumber: (folder?: string, user?: string) => Promise<void>
  /** From now on this is the password of the user. */
  setPassword: (password: string, user?: string) => Promise<void>
  /** From now on the mailbox of the user is limited so, such as `*:messages=1`; undefined ends it. */
  limit: (rule: string | undefined, user?: string) => Promise<void>
  /**
   * From now on new connections get this certificate. Without a change it is not reloaded: a reload ends deliveries under way, and
   * a mail that was stored and not answered for is delivered twice.
   */
  certificate: (certificate: Certificate) => Promise<void>
  /** Stops all of it as SIGSTOP does: connections are accepted and nothing is said. */
  pause: () => void
  resume: () => void
  /** Ends the server, and starts it where it was. */
  down: () => Promise<void>
  up: () => Promise<void>
  stop: () => Promise<void>
}

const host = '127.0.0.1'

function configuration(folder: string, ports: Dovecot['ports'], { uid, gid }: Account, options: DovecotOptions) {
  const { tlsOnly = false, quick = true, settings = '' } = options
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
instance_name = mailpath
protocols = imap lmtp
listen = ${host}, 127.0.0.2
default_process_limit = 30
default_vsz_limit = 512M
ssl = yes
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
disable_plaintext_auth = ${tlsOnly ? 'yes' : 'no'}
auth_mechanisms = plain login xoauth2
auth_username_format = %Lu
${quick ? 'auth_failure_delay = 0' : ''}
mail_location = maildir:${folder}/mail/%u
mail_plugins = quota
mailbox_list_index = yes
first_valid_uid = 1
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
submission_host =
protocol imap {
  mail_plugins = quota imap_quota
  mail_max_userip_connections = 50
}
passdb {
  driver = passwd-file
  args = scheme=plain username_format=%u ${folder}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
  default_fields = uid=${uid} gid=${gid} home=${folder}/mail/%u
}
passdb {
  driver = passwd-file
  mechanisms = xoauth2
  args = scheme=plain username_format=%u ${folder}/users
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Junk {
    special_use = \\Junk
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}
service imap-login {
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = ${host}
    port = ${ports.lmtp}
  }
}
service anvil {
  ${quick ? 'unix_listener anvil-auth-penalty {\n    mode = 0\n  }' : ''}
}
service stats {
  client_limit = 200
}
${settings}
`
}

/** Hands a mail over as a mail server does (RFC 2033). */
async function lmtp(port: number, from: string, to: string, mail: string): Promise<string> {
  const socket = net.connect({ host, port, timeout: 10_000 })
  try {
    const replies = repliesOf(socket)
    const ask = async (line: string) => {
      socket.write(`${line}\r\n`)
      return (await replies.next()).value ?? ''
    }
    await replies.next()
    await ask('LHLO localhost')
    for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
      const reply = await ask(line)
      if (!/^[23]/.test(reply)) return reply
    }
    const stuffed = mail.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..')
    const reply = await ask(`${stuffed.replace(/\r\n$/, '')}\r\n.`)
    await ask('QUIT')
    return reply
  } finally {
    socket.destroy()
  }
}

/** The last line of each reply. */
async function* repliesOf(socket: net.Socket): AsyncGenerator<string, undefined> {
  let pending = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const lines = (pending + chunk.toString('latin1')).split('\r\n')
    pending = lines.pop() ?? ''
    for (const line of lines) if (/^\d{3} /.test(line)) yield line
  }
  return undefined
}

export async function startDovecot(options: DovecotOptions = {}): Promise<Dovecot> {
  const [binary, owner] = [dovecotBinary(), account('nobody')]
  if (binary === undefined || owner === undefined) throw new Error(`Dovecot cannot run here: ${dovecotInstall}`)
  const doveadmBinary = have('doveadm') ?? 'doveadm'
  const folder = tempFolder('mailpath-dovecot-')
  const file = (name: string) => path.join(folder, name)
  const config = file('dovecot.conf')
  await chmod(folder, 0o755)
  await mkdir(file('mail'))
  await chown(file('mail'), owner.uid, owner.gid)
  const ports = { imap: await freePort(), imaps: await freePort(), lmtp: await freePort() }
  const { ca, good } = await certificates()

  const users = new Map(Object.entries(options.users ?? { 'canary@example.test': 'secret' }))
  const [[user, password] = ['', '']] = users
  const rules = new Map<string, string>()
  let written = 0
  const writeUsers = async () => {
    const lines = [...users].map(([name, secret]) => {
      const rule = rules.get(name)
      // A colon would end the field.
      return `${name}:${secret}::::::${rule === undefined ? '' : `userdb_quota_rule=${rule}`}`
    })
    await writeFile(file('users'), `${lines.join('\n')}\n`)
    await chmod(file('users'), 0o644)
    // It is read again when its time, in whole seconds, has changed.
    const time = new Date(Date.now() - 3_600_000 + 1000 * written++)
    await utimes(file('users'), time, time)
  }
  let shown = good
  const writeCertificate = async ({ cert, key }: Certificate) => {
    await writeFile(file('cert.pem'), cert)
    await writeFile(file('key.pem'), key, { mode: 0o600 })
  }
  await writeUsers()
  await writeCertificate(good)
  await writeFile(config, configuration(folder, ports, owner, options))

  let running: RunningProcess
  const up = async () => {
    // It goes on as soon as it is told to stop: what it prints must not keep a pipe of ours open.
    running = startProcess('dovecot', binary, ['-F', '-c', config], {
      cwd: '/',
      logFile: file('dovecot.log'),
      lastSignal: 'SIGTERM',
    })
    for (const port of Object.values(ports)) await untilListening(running, port)
  }
  await up()

  const doveadm = (args: readonly string[], input?: string) =>
    runProcess(doveadmBinary, ['-c', config, ...args], { cwd: '/', ...(input !== undefined && { input }) })
  const signalAll = (signal: NodeJS.Signals) => process.kill(-running.pid, signal)
  const down = async () => {
    await running.stop('SIGTERM', 3000)
    try {
      // What serves a session lives on.
      signalAll('SIGKILL')
    } catch {
      // There was none.
    }
  }
  const mailFolder = (name: string, whose: string) =>
    path.join(folder, 'mail', whose, ...(name === 'INBOX' ? [] : [`.${name.replaceAll('/', '.')}`]))

  return {
    host,
    folder,
    ports,
    user,
    password,
    ca,
    get process() {
      return running
    },
    doveadm,
    deliver: (mail, { to = user, from = 'sender@example.com' } = {}) => lmtp(ports.lmtp, from, to, mail),
    save: async (mail, name = 'INBOX', whose = user) => {
      await doveadm(['save', '-u', whose, '-m', name], mail)
    },
    fill: async (count, name = 'INBOX', whose = user) => {
      // Makes the folder.
      await doveadm(['mailbox', 'status', '-u', whose, 'messages', name])
      const arrivals = path.join(mailFolder(name, whose), 'new')
      const stamp = `${Math.floor(Date.now() / 1000)}.M${performance.now().toFixed(3).replace('.', '')}`
      for (let from = 0; from < count; from += 500)
        await Promise.all(
          Array.from({ length: Math.min(500, count - from) }, async (_, i) => {
            const at = path.join(arrivals, `${stamp}N${from + i}.others`)
            await writeFile(at, `From: other@example.com\nTo: ${whose}\nSubject: other ${from + i}\n\nNot ours.\n`)
            await chown(at, owner.uid, owner.gid)
          }),
        )
    },
    messages: async (name = 'INBOX', whose = user) => {
      const fields = 'uid flags hdr.subject hdr.x-mailpath-canary'
      const printed = await doveadm(['-f', 'tab', 'fetch', '-u', whose, fields, 'mailbox', name])
      return printed
        .split('\n')
        .slice(1)
        .filter(line => line !== '')
        .map(line => line.split('\t'))
        .map(([uid = '', flags = '', subject = '', canary = '']) => ({ uid: Number(uid), flags, subject, canary }))
        .sort((a, b) => a.uid - b.uid)
    },
    move: async (from, to, whose = user) => {
      await doveadm(['move', '-u', whose, to, 'mailbox', from, 'all'])
    },
    renumber: async (name = 'INBOX', whose = user) => {
      const status = await doveadm(['-f', 'tab', 'mailbox', 'status', '-u', whose, 'uidvalidity', name])
      const [, before = '1'] = /(\d+)\s*$/.exec(status) ?? []
      await doveadm(['mailbox', 'update', '-u', whose, '--uid-validity', String(Number(before) + 1), name])
    },
    setPassword: async (next, whose = user) => {
      users.set(whose, next)
      await writeUsers()
      await untilHeeded(() => doveadm(['auth', 'test', whose, next]))
    },
    limit: async (rule, whose = user) => {
      if (rule === undefined) rules.delete(whose)
      else rules.set(whose, rule)
      await writeUsers()
      await untilHeeded(
        async () => (await doveadm(['user', whose])).includes(rule ?? 'quota_rule') === (rule !== undefined),
      )
    },
    certificate: async next => {
      if (next === shown) return
      await writeCertificate(next)
      await doveadm(['reload'])
      shown = next
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    down,
    up,
    stop: async () => {
      if (running.alive()) signalAll('SIGCONT')
      await down()
      await removeFolder(folder)
    },
  }
}

/** The file of users is looked at once a second. */
const untilHeeded = (heeded: () => Promise<unknown>): Promise<unknown> =>
  waitFor(heeded, { timeoutMs: 5000, everyMs: 100, what: 'Dovecot read its users again' })

/** Until the server knows of that number of mails in a folder. */
export const untilStored = (dovecot: Dovecot, count: number, folder = 'INBOX'): Promise<true> =>
  waitFor(async () => (await dovecot.messages(folder)).length === count, {
    timeoutMs: 10_000,
    what: `${count} mails are in ${folder}`,
  })
