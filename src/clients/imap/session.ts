import { ImapFlow, type FetchMessageObject, type FetchQueryObject, type ListResponse } from 'imapflow'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { unlessAborted } from '../../core/abort.ts'
import { oneLine } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { MailboxError, explained } from './error.ts'
import { costOfAnswers, maxAnswer } from './limit.ts'
import type { Greeted } from './open.ts'
import type { Folder, Mailbox, MailboxPlan, Message, Wanted } from './mailbox.ts'
import { limitReceived } from '../socket.ts'

/** Bytes of a mail's headers that are read. */
const maxHeaders = 65_536
/** Bytes of mails that are asked for at once, and what a mail costs beyond its bytes. An answer has `maxAnswer`. */
const maxPortion = 1_048_576
const perMail = 2_048
const maxFolders = 1_000
/** How often a session asks for news besides IDLE, which is known to die in silence. */
const pollMs = 5_000
/** How long to wait for an answer to LOGOUT. */
const logoutMs = 1_000
/** imapflow's own timeouts. The run's signal ends a session. */
const never = 2 ** 31 - 1

/** Logs in with imapflow on a connection that has greeted. Throws MailboxError, or an error of the connection. */
export async function startSession(look: Look, greeted: Greeted, plan: MailboxPlan, where: string): Promise<Mailbox> {
  const { stream, certificates } = greeted
  const answerBegins = limitReceived(stream, maxAnswer, costOfAnswers())
  stream.unshift(Buffer.from(`${greeted.greeting}\r\n`, 'latin1'))
  const flow = new ImapFlow({
    host: plan.host,
    port: plan.port,
    secure: plan.security !== 'none',
    doSTARTTLS: false,
    auth: plan.token ? { user: plan.user, accessToken: plan.secret } : { user: plan.user, pass: plan.secret },
    transport: {
      connect(_, onConnect) {
        setImmediate(onConnect)
        return stream
      },
    },
    logger: false,
    // Who we are and what version is nobody's business.
    clientInfo: {},
    disableAutoIdle: true,
    disableCompression: true,
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    disableBinary: true,
    connectionTimeout: never,
    greetingTimeout: never,
    socketTimeout: never,
    maxLineLength: 262_144,
    maxLiteralSize: 1_048_576,
    maxResponseSize: 2_097_152,
    maxResponseTokens: 20_000,
  })
  let alert: string | undefined
  let broken: Error | undefined
  // Without a listener an error ends the process.
  flow.on('error', error => (broken = error))
  flow.on('alert', ({ message }) => (alert ??= `the server warns: ${oneLine(message)}`))
  const closed = new Promise<never>((_, reject) => {
    flow.once('close', () => {
      const { byeReason } = inside(flow)
      const goodbye = byeReason
        ? new MailboxError('refused', `the server said goodbye: ${oneLine(byeReason)}`)
        : undefined
      reject(stream.errored ?? goodbye ?? broken ?? new Error('the connection was closed'))
    })
  })
  closed.catch(() => undefined)

  /** What imapflow does ends with the session, with the connection and with the signal, and may take as much as one answer. */
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      answerBegins()
      const result = await unlessAborted(look.signal, Promise.race([work(), closed]))
      // Some of its methods give false instead.
      if (!flow.usable) await unlessAborted(look.signal, closed)
      return result
    } catch (error) {
      const why = flow.usable ? error : await unlessAborted(look.signal, closed).catch((reason: unknown) => reason)
      throw explained(faultOf(why, stream.errored), where, look.signal)
    }
  }

  try {
    look.note(plan.token ? '> AUTHENTICATE XOAUTH2' : '> AUTHENTICATE or LOGIN')
    await unlessAborted(look.signal, Promise.race([flow.connect(), closed]))
    look.note(`logged in; the server can ${[...flow.capabilities.keys()].slice(0, 60).join(' ')}`)
  } catch (error) {
    flow.close()
    const refusal = loginFault(error, flow, stream.errored)
    throw refusal instanceof MailboxError
      ? refusal
      : await unlessAborted(look.signal, closed).catch((reason: unknown) => faultOf(reason, stream.errored))
  }

  const fetch = (range: string, query: FetchQueryObject): Promise<FetchMessageObject[]> =>
    ask(() => flow.fetchAll(range, { ...query, uid: true }, { uid: true }))

  /** A part of each of these mails. One that is gone meanwhile is left out. */
  const readAll = async (
    mails: readonly FetchMessageObject[],
    part: FetchQueryObject,
  ): Promise<Map<number, string>> => {
    const read = new Map<number, string>()
    for (const some of portions(mails))
      for (const mail of await fetch(some.map(({ uid }) => uid).join(','), part)) {
        const text = mail.headers ?? mail.bodyParts?.values().next().value
        if (text) read.set(mail.uid, text.toString('utf8'))
      }
    return read
  }

  const chosenOf = async (mails: readonly FetchMessageObject[], { fields, wants }: Wanted) => {
    const read = await readAll(mails, { uid: true, headers: [...fields] })
    return mails.filter(({ uid }) => wants(read.get(uid) ?? ''))
  }

  return {
    address: where,
    certificates,
    get alert() {
      return alert
    },
    async folders() {
      const list = await ask(() => flow.list())
      const folders = list.filter(isFolder).slice(0, maxFolders).map(folderOf)
      look.note(
        `${folders.length} folders: ${folders
          .map(({ path, use }) => (use ? `${path} (${use})` : path))
          .slice(0, 20)
          .join(', ')}`,
      )
      return folders
    },
    async open(path) {
      try {
        const { uidValidity, uidNext, exists } = await ask(() => flow.mailboxOpen(path))
        look.note(`${path}: ${exists} mails, UIDNEXT ${uidNext}, UIDVALIDITY ${uidValidity}`)
        alert ??= await full(flow, path, ask)
        return { uidValidity: String(uidValidity), uidNext, exists }
      } catch (error) {
        if (!(error instanceof MailboxError && error.missing)) throw error
        look.note(`${path}: there is no such folder`)
        return undefined
      }
    },
    async from(uid, most, wanted) {
      await ask(() => flow.noop())
      const range = rangeOf(flow, uid, most)
      if (range === undefined) return []
      const rows = { uid: true, internalDate: true, size: true }
      const found = (await ask(() => flow.fetchAll(range.set, rows, { uid: range.byUid })))
        // It may tell of the flags of others in between.
        .filter(mail => mail.uid >= uid && mail.internalDate !== undefined)
        .sort((a, b) => a.uid - b.uid)
        .slice(-most)
      const chosen = wanted ? await chosenOf(found, wanted) : found
      const headers = await readAll(chosen, { bodyParts: [{ key: 'HEADER', start: 0, maxLength: maxHeaders }] })
      look.note(`${range.set}: ${found.length} mails, of which ${headers.size} were read`)
      return chosen.flatMap(mail => {
        const text = headers.get(mail.uid)
        return text === undefined ? [] : [messageOf(mail, text)]
      })
    },
    async text(uid, maxBytes) {
      const [mail] = (await fetch(String(uid), { uid: true, source: { start: 0, maxLength: maxBytes } })).filter(
        ({ source }) => source,
      )
      return mail?.source?.subarray(0, maxBytes).toString('utf8') ?? ''
    },
    async remove(uids, trash) {
      if (uids.length === 0) return undefined
      const set = uids.join(',')
      const can = (what: string): boolean => flow.capabilities.has(what)
      // At Gmail an expunged mail goes to the archive, by default.
      if ((!can('UIDPLUS') || can('X-GM-EXT-1')) && can('MOVE') && trash !== undefined) {
        const moved = await ask(() => flow.messageMove(set, trash, { uid: true }))
        look.note(`> UID MOVE ${set} ${trash}: ${moved ? 'done' : 'refused'}`)
        return moved ? undefined : `they could not be moved to ${trash}`
      }
      const marked = await ask(() => flow.messageFlagsAdd(set, ['\\Deleted'], { uid: true, silent: true }))
      if (!marked) return 'the server did not let us mark them as deleted'
      if (!can('UIDPLUS'))
        return 'they are only marked as deleted: the server has neither UIDPLUS nor MOVE, and EXPUNGE would take mail of others as well'
      // Not messageDelete(): that says EXPUNGE without UIDs if the server takes UIDPLUS back.
      await ask(async () => (await inside(flow).exec('UID EXPUNGE', [{ type: 'SEQUENCE', value: set }])).next())
      look.note(`> UID EXPUNGE ${set}: done`)
      return undefined
    },
    async news(signal) {
      const before = countIn(flow)
      while (!signal.aborted && countIn(flow) <= before) {
        const wake = new AbortController()
        const onAbort = (): void => wake.abort()
        const onExists = (): void => (countIn(flow) > before ? wake.abort() : undefined)
        signal.addEventListener('abort', onAbort)
        flow.on('exists', onExists)
        const idle = flow.idle().catch(() => undefined)
        try {
          await ask(() => sleep(pollMs, undefined, { signal: wake.signal }).catch(() => undefined))
        } finally {
          flow.off('exists', onExists)
          signal.removeEventListener('abort', onAbort)
          wake.abort()
        }
        // It ends IDLE, and asks.
        await ask(() => flow.noop())
        await ask(async () => idle)
      }
    },
    async close() {
      const quiet = new AbortController()
      const patience = sleep(logoutMs, undefined, { signal: quiet.signal }).catch(() => undefined)
      await unlessAborted(look.signal, Promise.race([flow.logout(), closed, patience])).catch(() => undefined)
      quiet.abort()
      flow.close()
      if (!stream.destroyed) {
        stream.destroy()
        await once(stream, 'close').catch(() => undefined)
      }
    },
  }
}

/** What imapflow has and its types do not name: its way to send a command, and what the server said with BYE. */
interface Inside {
  readonly byeReason?: string | false
  exec(command: string, attributes: readonly { type: 'SEQUENCE'; value: string }[]): Promise<{ next(): void }>
}
const inside = (flow: ImapFlow): Inside => flow as unknown as Inside

const countIn = ({ mailbox }: ImapFlow): number => (mailbox ? mailbox.exists : 0)

/**
 * By UID, unless that could be more than `most`: then the newest by their numbers. What begins behind the last UID gives
 * the last mail, whose UID is lower.
 */
function rangeOf({ mailbox }: ImapFlow, uid: number, most: number): { set: string; byUid: boolean } | undefined {
  if (!mailbox || mailbox.exists === 0) return undefined
  if (mailbox.exists <= most || uid >= mailbox.uidNext - most) return { set: `${uid}:*`, byUid: true }
  return { set: `${mailbox.exists - most + 1}:*`, byUid: false }
}

/** As many as fit into one answer, by their sizes: their headers cannot be larger. */
function portions(mails: readonly FetchMessageObject[]): FetchMessageObject[][] {
  const all: FetchMessageObject[][] = []
  let room = 0
  for (const mail of mails) {
    const size = Math.min(mail.size ?? 0, maxHeaders) + perMail
    if (room < size) {
      room = maxPortion
      all.push([])
    }
    all.at(-1)?.push(mail)
    room -= size
  }
  return all
}

const messageOf = ({ uid, internalDate, size }: FetchMessageObject, headers: string): Message => ({
  uid,
  receivedAt: internalDate === undefined ? NaN : new Date(internalDate).getTime(),
  size: size ?? 0,
  headers,
})

const uses: Readonly<Record<string, Folder['use']>> = { '\\Inbox': 'inbox', '\\Junk': 'junk', '\\Trash': 'trash' }

const folderOf = ({ path, specialUse }: ListResponse): Folder => ({
  path,
  use: path.toUpperCase() === 'INBOX' ? 'inbox' : uses[specialUse ?? ''],
})

const isFolder = ({ flags }: ListResponse): boolean => !flags.has('\\Noselect') && !flags.has('\\NonExistent')

/** Says that a mailbox has no room left, by QUOTA (RFC 9208). */
async function full(
  flow: ImapFlow,
  path: string,
  ask: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<string | undefined> {
  if (!flow.capabilities.has('QUOTA')) return undefined
  const quota = await ask(() => flow.getQuota(path).catch(() => undefined))
  if (!quota) return undefined
  const { storage, message } = quota as Record<string, { readonly usage?: number; readonly limit?: number } | undefined>
  for (const [what, one, least] of [
    ['bytes', storage, 16_384],
    ['mails', message, 1],
  ] as const)
    if (one?.usage !== undefined && one.limit !== undefined && one.limit - one.usage < least)
      return `the mailbox is full: ${one.usage} of ${one.limit} ${what}`
  return undefined
}

interface FlowError {
  readonly code?: string
  readonly responseStatus?: string
  readonly responseText?: string
  readonly serverResponseCode?: string
  readonly authenticationFailed?: boolean
  readonly mailboxMissing?: boolean
}

/** Codes of imapflow for what is not the protocol, or too much of it. */
const odd = [
  'LineTooLarge',
  'LiteralTooLarge',
  'ResponseTooLarge',
  'TooManyTokens',
  'TooManyResponses',
  'UnexpectedTag',
]

function faultOf(error: unknown, ofSocket: Error | null): unknown {
  if (error instanceof MailboxError) return error
  const { code = '', responseStatus, responseText, serverResponseCode, mailboxMissing } = error as FlowError
  if (ofSocket?.message.includes('sent too much')) return new MailboxError('not_imap', ofSocket.message)
  if (odd.includes(code))
    return new MailboxError('not_imap', `the server sent what is not IMAP: ${(error as Error).message}`)
  if (responseStatus === 'NO' || responseStatus === 'BAD')
    return new MailboxError(
      'refused',
      said(responseStatus, serverResponseCode, responseText),
      undefined,
      mailboxMissing,
    )
  return ofSocket ?? error
}

const said = (status: string, code: string | undefined, text: string | undefined): string =>
  oneLine([status, code && `[${code}]`, text].filter(Boolean).join(' '))

/** Response codes (RFC 5530) of a refusal that is not about the password. */
const notThePassword = ['UNAVAILABLE', 'LIMIT', 'INUSE', 'SERVERBUG', 'CONTACTADMIN', 'CORRUPTION', 'OVERQUOTA']

function loginFault(error: unknown, flow: ImapFlow, ofSocket: Error | null): unknown {
  const { authenticationFailed, serverResponseCode = '', responseText, responseStatus } = error as FlowError
  const text = said('', serverResponseCode, responseText)
  if (serverResponseCode === 'PRIVACYREQUIRED')
    return new MailboxError('no_tls', `it takes no login without TLS: ${text}`)
  if (responseStatus !== undefined && authenticationFailed)
    return new MailboxError(
      notThePassword.includes(serverResponseCode) ? 'refused' : 'login',
      `the login was refused: ${text || responseStatus}`,
    )
  if (flow.capabilities.has('LOGINDISABLED'))
    return new MailboxError('no_tls', 'it takes no login without TLS (LOGINDISABLED)')
  if (error instanceof Error && error.message.startsWith('Unsupported authentication'))
    return new MailboxError('login', 'it has no way to log in that is known here: AUTHENTICATE PLAIN, LOGIN or XOAUTH2')
  return faultOf(error, ofSocket)
}
