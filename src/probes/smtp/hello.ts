import { hostname } from 'node:os'
import { shapes } from '../../core/shape.ts'
import type { Reply } from './dialogue.ts'

/** The EHLO name of nodemailer 10 if none is set (`_getHostname` in lib/smtp-connection). */
export function defaultHello(name = hostname()): string {
  if (!name.includes('.') || shapes.hello.read(name) === undefined) return '[127.0.0.1]'
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) ? `[${name}]` : name
}

/** The command is unknown, not possible now, or needs another one first: no verdict on a name. */
const aboutCommand = new Set([500, 502, 503, 530, 534, 535, 538])

/**
 * Whether a reply refuses our EHLO name, be it to EHLO or to a later command, as in Postfix (`smtpd_delay_reject`). An
 * address in brackets proves nothing: it is mostly the client's.
 */
export function refusesHello({ code = 0, text }: Reply, hello: string): boolean {
  if (code < 400 || aboutCommand.has(code)) return false
  if (/\b(?:HELO|EHLO)\b/i.test(text)) return true
  if (hello === '' || hello.startsWith('[')) return false
  const name = hello.replace(/[.[\]]/g, '\\$&')
  return new RegExp(`(?:^|[\\s<("'])${name}(?:[\\s>)"':,;]|$)`, 'i').test(text)
}
