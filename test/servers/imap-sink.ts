import net from 'node:net'
import tls from 'node:tls'
import type { Certificate } from './certificates.ts'
import { type At, extend, listen, type Listening } from './hostile.ts'
import { commandReader, inSet, wordsIn, type Word } from './imap-words.ts'

export interface ImapSinkOptions extends At {
  /** Password by user. All of them see the same mail. */
  readonly users: Readonly<Record<string, string>>
  /** TLS from the first byte. Without it all is in the clear. */
  readonly certificate?: Certificate | undefined
}

export type SinkFolder = 'INBOX' | 'Junk' | 'Trash'

export interface ImapSink extends Listening {
  /** Puts a mail into a folder, as a delivery agent does. Sessions in IDLE hear of it at once. */
  deliver(mail: Buffer, folder?: SinkFolder): void
  /** The mails that are there now. */
  mails(folder?: SinkFolder): readonly string[]
}

interface Mail {
  readonly uid: number
  readonly at: Date
  readonly text: Buffer
  readonly flags: Set<string>
}

interface Folder {
  readonly name: SinkFolder
  readonly use: string
  readonly uidValidity: number
  uidNext: number
  mails: Mail[]
}

const flagsKnown = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft']
const abilities = 'IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS IDLE SPECIAL-USE'

/**
 * The project's own mailbox, which needs no root and no package: it keeps its mail in memory. It speaks as much of IMAP4rev1
 * (RFC 3501), with UIDPLUS, IDLE and SPECIAL-USE, as it takes to read, mark and delete mail. What it cannot do (SEARCH,
 * STATUS, APPEND, COPY, folders of one's own, STARTTLS) it answers with BAD. For the real thing there is dovecot.ts.
 */
export async function startImapSink(options: ImapSinkOptions): Promise<ImapSink> {
  const folders = (['INBOX', 'Junk', 'Trash'] as const).map((name, at): Folder => ({
    name,
    use: name === 'INBOX' ? '' : `\\${name}`,
    // It has to be another one each time it starts: its UIDs begin again.
    uidValidity: Math.floor(Date.now() / 1000) + at,
    uidNext: 1,
    mails: [],
  }))
  const sessions = new Set<{ news(): void }>()
  const serve = (socket: net.Socket): void => {
    const session = startSession(socket, folders, options.users)
    sessions.add(session)
    socket.on('error', () => undefined).on('close', () => sessions.delete(session))
  }
  const { certificate } = options
  const server = certificate ? tls.createServer({ cert: certificate.cert, key: certificate.key }) : net.createServer()
  server.on(certificate ? 'secureConnection' : 'connection', serve)
  const folder = (name: SinkFolder): Folder => folders.find(one => one.name === name) as Folder
  return extend(await listen(server, options), {
    deliver(text: Buffer, name: SinkFolder = 'INBOX') {
      const into = folder(name)
      into.mails.push({ uid: into.uidNext++, at: new Date(), text, flags: new Set() })
      for (const session of sessions) session.news()
    },
    mails: (name: SinkFolder = 'INBOX') => folder(name).mails.map(({ text }) => text.toString('latin1')),
  })
}

/** The end of a command: `OK`, with a code perhaps. */
type Done = string
/** What a client may see as a `NO`. */
class Refused extends Error {}

function startSession(socket: net.Socket, folders: readonly Folder[], users: ImapSinkOptions['users']) {
  let isIn = false
  let folder: Folder | undefined
  let isReadOnly = false
  /** The mails of the folder as the client knows them: their numbers are its places in here. */
  let view: Mail[] = []
  /** The tag of IDLE, and of AUTHENTICATE without a first answer. */
  let idle: string | undefined
  let awaited: string | undefined
  const say = (line: string): void => void socket.write(`${line}\r\n`, 'latin1')

  /** Says what has changed in the folder. */
  function news(): void {
    if (!folder) return
    for (let at = view.length; at > 0; at--)
      if (!folder.mails.includes(view[at - 1] as Mail)) {
        view.splice(at - 1, 1)
        say(`* ${at} EXPUNGE`)
      }
    if (folder.mails.length === view.length) return
    view = [...folder.mails]
    say(`* ${view.length} EXISTS`)
  }

  const logIn = (user: string, password: string): Done => {
    if (users[user] === undefined || users[user] !== password)
      throw new Refused('[AUTHENTICATIONFAILED] Authentication failed.')
    isIn = true
    return `[CAPABILITY ${abilities}] Logged in`
  }
  /** RFC 4616 */
  const plain = (answer: string): Done => {
    const [, user = '', password = ''] = Buffer.from(answer, 'base64').toString('utf8').split('\0')
    return logIn(user, password)
  }

  const open = (name: string, readOnly: boolean): Done => {
    folder = folders.find(one => one.name === (name.toUpperCase() === 'INBOX' ? 'INBOX' : name))
    view = [...(folder?.mails ?? [])]
    isReadOnly = readOnly
    if (!folder) throw new Refused(`[NONEXISTENT] there is no ${name}`)
    say(`* FLAGS (${flagsKnown.join(' ')})`)
    say(`* OK [PERMANENTFLAGS (${readOnly ? '' : flagsKnown.join(' ')})] Flags`)
    say(`* ${view.length} EXISTS`)
    say('* 0 RECENT')
    say(`* OK [UIDVALIDITY ${folder.uidValidity}] UIDs`)
    say(`* OK [UIDNEXT ${folder.uidNext}] Next UID`)
    return readOnly ? '[READ-ONLY] Opened' : '[READ-WRITE] Opened'
  }

  const chosen = (set: Word | undefined, byUid: boolean): { number: number; mail: Mail }[] => {
    const last = byUid ? (view.at(-1)?.uid ?? 0) : view.length
    const isIn = inSet(textOf(set), last)
    return view.map((mail, at) => ({ number: at + 1, mail })).filter(one => isIn(byUid ? one.mail.uid : one.number))
  }

  const fetch = ([set, what]: readonly Word[], byUid: boolean): Done => {
    const wanted = (typeof what === 'string' ? [what] : (what ?? [])).map(textOf)
    const items = byUid && !wanted.some(one => one.toUpperCase() === 'UID') ? ['UID', ...wanted] : wanted
    for (const { number, mail } of chosen(set, byUid)) {
      const parts = items.flatMap((item, at) => [Buffer.from(at === 0 ? '' : ' '), partOf(mail, item)])
      if (items.some(item => /^BODY\[/i.test(item)) && !isReadOnly) mail.flags.add('\\Seen')
      socket.write(Buffer.concat([Buffer.from(`* ${number} FETCH (`), ...parts, Buffer.from(')\r\n')]))
    }
    return 'Fetched'
  }

  const store = ([set, how, flags]: readonly Word[], byUid: boolean): Done => {
    const [, sign = '', silent] = /^([+-]?)FLAGS(\.SILENT)?$/i.exec(textOf(how)) ?? []
    const given = (typeof flags === 'string' ? [flags] : (flags ?? [])).map(textOf)
    if (!/^[+-]?FLAGS/i.test(textOf(how))) throw new SyntaxError('what does STORE store')
    if (isReadOnly) throw new Refused('the folder is open to read only')
    for (const { number, mail } of chosen(set, byUid)) {
      if (sign === '') mail.flags.clear()
      for (const flag of given) {
        if (sign === '-') mail.flags.delete(flag)
        else mail.flags.add(flag)
      }
      const uid = byUid ? ` UID ${mail.uid}` : ''
      if (silent === undefined) say(`* ${number} FETCH (FLAGS (${[...mail.flags].join(' ')})${uid})`)
    }
    return 'Stored'
  }

  /** Without UIDs it takes all that are marked (RFC 3501), with them only these (RFC 4315). */
  const expunge = (uids: Word | undefined): Done => {
    if (!folder) throw new Refused('no folder is open')
    if (isReadOnly) throw new Refused('the folder is open to read only')
    const meant = new Set(uids === undefined ? view : chosen(uids, true).map(({ mail }) => mail))
    folder.mails = folder.mails.filter(mail => !(meant.has(mail) && mail.flags.has('\\Deleted')))
    news()
    return 'Expunged'
  }

  const list = (answer: string, [reference, pattern]: readonly Word[]): Done => {
    const name = `${textOf(reference)}${textOf(pattern)}`
    if (name === '') say(`* ${answer} (\\Noselect) "/" ""`)
    const isMeant = (one: string): boolean => name === '*' || name === '%' || name.toUpperCase() === one.toUpperCase()
    for (const { name: own, use } of folders)
      if (isMeant(own)) say(`* ${answer} (\\HasNoChildren${answer === 'LIST' && use ? ` ${use}` : ''}) "/" ${own}`)
    return 'Listed'
  }

  /** Undefined: the command goes on. */
  function perform(tag: string, verb: string, rest: readonly Word[]): Done | undefined {
    if (verb === 'CAPABILITY') return (say(`* CAPABILITY ${abilities}`), 'Capability')
    if (verb === 'NOOP') return (news(), 'Nothing done')
    if (verb === 'LOGOUT') return (say('* BYE Goodbye'), 'Logged out')
    if (!isIn) {
      if (verb === 'LOGIN') return logIn(textOf(rest[0]), textOf(rest[1]))
      if (verb !== 'AUTHENTICATE' || textOf(rest[0]).toUpperCase() !== 'PLAIN') throw new SyntaxError('log in first')
      if (rest[1] !== undefined) return plain(textOf(rest[1]))
      awaited = tag
      say('+ ')
      return undefined
    }
    if (verb === 'LIST' || verb === 'LSUB') return list(verb, rest)
    if (verb === 'SELECT' || verb === 'EXAMINE') return open(textOf(rest[0]), verb === 'EXAMINE')
    if (!folder) throw new SyntaxError('open a folder first')
    if (verb === 'IDLE') {
      idle = tag
      say('+ idling')
      news()
      return undefined
    }
    if (verb === 'CHECK') return (news(), 'Checked')
    if (verb === 'CLOSE' || verb === 'UNSELECT') return ((folder = undefined), 'Closed')
    if (verb === 'EXPUNGE') return expunge(undefined)
    const byUid = verb === 'UID'
    const what = byUid ? textOf(rest[0]).toUpperCase() : verb
    const more = byUid ? rest.slice(1) : rest
    if (what === 'FETCH') return fetch(more, byUid)
    if (what === 'STORE') return store(more, byUid)
    if (what === 'EXPUNGE' && byUid) return expunge(more[0])
    throw new SyntaxError(`${byUid ? 'UID ' : ''}${what} is not known here`)
  }

  function answer(tag: string, work: () => Done | undefined): void {
    try {
      const done = work()
      if (done !== undefined) say(`${tag} OK ${done}`)
      if (done === 'Logged out') socket.end()
    } catch (error) {
      if (!(error instanceof Refused || error instanceof SyntaxError)) throw error
      say(`${tag} ${error instanceof Refused ? 'NO' : 'BAD'} ${error.message.replace(/[\r\n]/g, ' ')}`)
    }
  }

  function onCommand(command: string): void {
    const [tag, going] = [idle ?? awaited ?? '', idle !== undefined ? 'idle' : awaited !== undefined ? 'login' : '']
    ;[idle, awaited] = [undefined, undefined]
    if (going === 'idle')
      answer(tag, () => {
        if (command.toUpperCase() !== 'DONE') throw new SyntaxError('DONE ends IDLE')
        return 'Idle'
      })
    else if (going === 'login') answer(tag, () => plain(command))
    else
      answer(/^[\w.-]+/.exec(command)?.[0] ?? '*', () => {
        const [own, verb, ...rest] = wordsIn(command)
        return perform(textOf(own), textOf(verb).toUpperCase(), rest)
      })
  }

  const read = commandReader(() => say('+ go on'), onCommand)
  socket.on('data', (chunk: Buffer) => {
    try {
      read(chunk)
    } catch (error) {
      say(`* BYE ${String(error)}`)
      socket.end()
    }
  })
  say(`* OK [CAPABILITY ${abilities}] the mailbox of the tests of mailpath-exporter`)
  return { news: () => idle !== undefined && news() }
}

function textOf(word: Word | undefined): string {
  if (typeof word !== 'string') throw new SyntaxError('a word is missing')
  return word
}

/** One item of FETCH with its value. */
function partOf(mail: Mail, item: string): Buffer {
  const name = item.toUpperCase()
  if (name === 'UID') return Buffer.from(`UID ${mail.uid}`)
  if (name === 'FLAGS') return Buffer.from(`FLAGS (${[...mail.flags].join(' ')})`)
  if (name === 'RFC822.SIZE') return Buffer.from(`RFC822.SIZE ${mail.text.length}`)
  if (name === 'INTERNALDATE') return Buffer.from(`INTERNALDATE "${internalDate(mail.at)}"`)
  const [, section, from, length] = /^BODY(?:\.PEEK)?\[(.*)\](?:<(\d+)\.(\d+)>)?$/i.exec(item) ?? []
  if (section === undefined) throw new SyntaxError(`${item} is not known here`)
  const all = sectionOf(mail.text, section)
  const start = Number(from ?? 0)
  const part = from === undefined ? all : all.subarray(start, start + Number(length))
  return Buffer.concat([
    Buffer.from(`BODY[${section}]${from === undefined ? '' : `<${from}>`} {${part.length}}\r\n`),
    part,
  ])
}

function sectionOf(text: Buffer, section: string): Buffer {
  const blank = text.indexOf('\r\n\r\n')
  const end = blank < 0 ? text.length : blank + 4
  if (section === '') return text
  if (section.toUpperCase() === 'HEADER') return text.subarray(0, end)
  if (section.toUpperCase() === 'TEXT') return text.subarray(end)
  const [, fields] = /^HEADER\.FIELDS \((.*)\)$/i.exec(section) ?? []
  if (fields === undefined) throw new SyntaxError(`BODY[${section}] is not known here`)
  const wanted = wordsIn(fields).map(field => textOf(field).toLowerCase())
  const lines = text
    .subarray(0, end)
    .toString('latin1')
    .split(/\r\n(?![ \t])/)
    .filter(line => wanted.includes(/^[^:\s]+/.exec(line)?.[0].toLowerCase() ?? ''))
  return Buffer.from(`${lines.map(line => `${line}\r\n`).join('')}\r\n`, 'latin1')
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const two = (number: number): string => String(number).padStart(2, '0')
const internalDate = (at: Date): string =>
  `${two(at.getUTCDate())}-${months[at.getUTCMonth()] ?? ''}-${at.getUTCFullYear()} ${at.toISOString().slice(11, 19)} +0000`
