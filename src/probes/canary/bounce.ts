import { oneLine } from '../../core/errors.ts'
import { fieldIn, fieldsOf, type Field } from './fields.ts'
import { markOf } from './headers.ts'
import { markHeader, tokensIn, withoutTokens, type Mark } from './mark.ts'
import { bodyOf, leavesOf, typeOf, type Leaf } from './mime.ts'

/** A report about a mail of a canary: this, or another one. */
export interface Returned {
  /** The tokens it may be about; at least one. */
  readonly tokens: readonly string[]
  /** Undefined if the mail did not come back with it. */
  readonly mark: Mark | undefined
  /** `failed`: a bounce. `delayed`: the mail waits, and is tried again. `delivered`: or handed on. */
  readonly action: 'failed' | 'delayed' | 'delivered'
  /** RFC 3463, such as 5.2.2. */
  readonly status: string | undefined
  /** What the receiver said, in one line. No token is in it. */
  readonly text: string
}

/** What is read of a report. */
const maxChars = 262_144

/** Whether the headers of a mail are those of a report, so that its body has to be read. */
export const mayBeBounce = (headers: string): boolean => isReport(fieldsOf(headers))

/** The report that a mail is, about a canary; undefined if it is none. `message`: headers and body; the end may be missing. */
export function bounceIn(message: string): Returned | undefined {
  const text = message.slice(0, maxChars)
  const fields = fieldsOf(text)
  if (!isReport(fields)) return undefined
  const leaves = leavesOf(text)
  const [status] = leaves.filter(({ type }) => isStatus.test(type))
  const marks = returnedIn(leaves).flatMap(headers => markOf(headers) ?? [])
  const tokens = [...new Set([...marks.map(({ token }) => token), ...namedIn(fields, leaves)])]
  const said = status ? saidIn(status.body) : isAnswer(fields) ? undefined : saidInWords(fields, text)
  return said && tokens.length > 0 ? { tokens, mark: marks[0], ...said } : undefined
}

const isStatus = /^message\/(?:global-)?delivery-status$/
const isReturned = /^(?:message\/rfc822|message\/global(?:-headers)?|text\/rfc822(?:-headers)?)$/

/** A report by its type, or a mail that no person sent (RFC 5321 §4.5.5): a postmaster may write as a person, too. */
function isReport(fields: readonly Field[]): boolean {
  if (typeOf(fields) === 'multipart/report' || fieldIn(fields, 'x-failed-recipients') !== undefined) return true
  const sender = fieldIn(fields, 'return-path')
  return sender === undefined ? isOfDaemon(fields) : /^<\s*>/.test(sender)
}

const isOfDaemon = (fields: readonly Field[]): boolean =>
  /\b(?:mailer-daemon|postmaster|mail-daemon|mdaemon)\b/i.test(fieldIn(fields, 'from') ?? '')

/** A mail about a mail that is no bounce: a receipt, a complaint, or that somebody is on leave. */
function isAnswer(fields: readonly Field[]): boolean {
  const [, type] =
    /;\s{0,99}report-type\s{0,9}=\s{0,9}"?([\w-]{1,99})/i.exec(fieldIn(fields, 'content-type') ?? '') ?? []
  if (typeOf(fields) === 'multipart/report' && type !== undefined) return type.toLowerCase() !== 'delivery-status'
  const isReply = /^auto-replied\b/i.test(fieldIn(fields, 'auto-submitted') ?? '')
  return isReply && fieldIn(fields, 'x-failed-recipients') === undefined && !isOfDaemon(fields)
}

const startOfMark = new RegExp(`^[ \\t>]*${markHeader}:`, 'im')

/** The headers that came back. Old servers put them into the text. */
function returnedIn(leaves: readonly Leaf[]): Field[][] {
  return leaves.map(({ type, body }) => {
    if (isReturned.test(type)) return fieldsOf(body)
    const at = startOfMark.exec(body)?.index
    return at === undefined ? [] : fieldsOf(body.slice(at).replace(/^[ \t>]+/, ''))
  })
}

/** Where only a Message-ID came back, or is answered to. */
const namedIn = (fields: readonly Field[], leaves: readonly Leaf[]): string[] => [
  ...tokensIn(`${fieldIn(fields, 'in-reply-to') ?? ''} ${fieldIn(fields, 'references') ?? ''}`),
  ...leaves.flatMap(({ type, body }) =>
    isReturned.test(type) ? tokensIn(fieldIn(fieldsOf(body), 'message-id') ?? '') : tokensIn(body),
  ),
]

type Said = Pick<Returned, 'action' | 'status' | 'text'>

const actions: Readonly<Record<string, Returned['action'] | undefined>> = {
  failed: 'failed',
  delayed: 'delayed',
  delivered: 'delivered',
  relayed: 'delivered',
  expanded: 'delivered',
}
const worstFirst: readonly Returned['action'][] = ['failed', 'delayed', 'delivered']

/** The groups of a delivery status (RFC 3464 §2.1): the first is about the mail, each other one about a recipient. */
function saidIn(body: string): Said | undefined {
  const all = body
    .split(/(?:\r?\n[ \t]*){2,}/)
    .map(group => fieldsOf(group.trimStart()))
    .filter(group => ['action', 'status', 'diagnostic-code'].some(name => fieldIn(group, name) !== undefined))
    .map(saidOf)
  return worstFirst.flatMap(action => all.find(said => said.action === action) ?? [])[0]
}

function saidOf(group: readonly Field[]): Said {
  const given = fieldIn(group, 'status') ?? ''
  const coarse = statusIn(given)
  // `smtp; 550 5.1.1 no such user`
  const diagnosis = (fieldIn(group, 'diagnostic-code') ?? '').replace(/^[\w.-]{1,40}\s*;\s*/, '')
  const fine = statusIn(diagnosis)
  const status = fine !== undefined && (coarse === undefined || isGeneral(coarse)) ? fine : coarse
  const word = /^[a-z]+/.exec((fieldIn(group, 'action') ?? '').toLowerCase())?.[0] ?? ''
  return {
    action: actions[word] ?? actionOf(status),
    status,
    text: inOneLine(diagnosis || given || 'no diagnosis is given'),
  }
}

/** Such as 5.0.0, which says nothing but that it failed. */
const isGeneral = (status: string): boolean => status.endsWith('.0.0')

const statusIn = (text: string): string | undefined => /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/.exec(text)?.[0]

function actionOf(status: string | undefined): Returned['action'] {
  if (status?.startsWith('2')) return 'delivered'
  return status?.startsWith('4') ? 'delayed' : 'failed'
}

/** An older report is text in any form and language. Only a code of SMTP, or what qmail and Exim always say, makes it one. */
function saidInWords(fields: readonly Field[], text: string): Said | undefined {
  const words = leafText(text)
  const line = words.find(one => reply.test(one)) ?? words.find(one => statusIn(one) !== undefined)
  const isFailure = fieldIn(fields, 'x-failed-recipients') !== undefined || words.some(one => permanent.test(one))
  if (line === undefined && !isFailure) return undefined
  const status = line === undefined ? undefined : statusIn(line)
  const code = line === undefined ? undefined : reply.exec(line)?.[1]
  const forNow = !isFailure && (status?.startsWith('4') ?? code?.startsWith('4') ?? false)
  const said = line ?? words.find(one => permanent.test(one)) ?? 'no diagnosis is given'
  return { action: forNow ? 'delayed' : 'failed', status, text: inOneLine(said) }
}

const reply = /(?<![\d.])([45]\d\d)[ -](?:[45]\.\d{1,3}\.\d{1,3}|[a-z<#])/i
const permanent = /This is a permanent error|permanent fatal errors|I've given up|could not be delivered to/i

/** The lines that say something before the mail that came back. */
function leafText(text: string): string[] {
  const [first] = leavesOf(text).filter(({ type }) => type.startsWith('text/') && !isReturned.test(type))
  const body = first?.body ?? bodyOf(text)
  return body.slice(0, 16_384).split(/\r\n|\n/)
}

const inOneLine = (text: string): string => oneLine(withoutTokens(text))
