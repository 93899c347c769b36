import { hostname } from 'node:os'
import { shapes } from '../../core/shape.ts'
import type { Reply } from './dialogue.ts'

/** The EHLO name of nodemailer 10 where none is set (`_getHostname` in lib/smtp-connection). */
export function defaultHello(name = hostname()): string {
  if (!name.includes('.') || shapes.hello.read(name) === undefined) return '[127.0.0.1]'
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) ? `[${name}]` : name
}

/** Not known, not now, or not before something else: no verdict on a name. */
const aboutCommand = new Set([500, 502, 503, 530, 534, 535, 538])

/**
 * Whether a reply refuses our name in EHLO, be it to EHLO itself or, where the relay puts that off as Postfix does
 * (`smtpd_delay_reject`), to a later command. An address in brackets is no evidence: it is mostly that of the client.
 */
export function refusesHello({ code = 0, text }: Reply, hello: string): boolean {
  if (code < 400 || aboutCommand.has(code)) return false
  if (/\b(?:HELO|EHLO)\b/i.test(text)) return true
  if (hello === '' || hello.startsWith('[')) return false
  const name = hello.replace(/[.[\]]/g, '\\$&')
  return new RegExp(`(?:^|[\\s<("'])${name}(?:[\\s>)"':,;]|$)`, 'i').test(text)
}
