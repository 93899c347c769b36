import type { Certificate } from '../servers/certificates.ts'
import { startImapSink, type ImapSink } from '../servers/imap-sink.ts'
import type { TakenMail } from '../servers/smtp.ts'

/** What becomes of mail that the relay has accepted: it is delivered, put into the junk folder, or lost without a word. */
export type Fate = 'delivered' | 'junk' | 'lost'

/** The mailbox of the canary, and the way from the relay to it. */
export interface Post extends ImapSink {
  fate: Fate
  /** What the relay does with a mail that it has accepted. */
  take(mail: TakenMail): void
}

/** An address of its own, which no person reads. */
export const canaryAddress = 'canary@keybuzz.io'

export async function startPost(password: string, certificate: Certificate): Promise<Post> {
  const sink = await startImapSink({ users: { [canaryAddress]: password }, certificate })
  const post: Post = Object.assign(sink, {
    fate: 'delivered' as const,
    take(mail: TakenMail) {
      if (post.fate !== 'lost') sink.deliver(received(mail), post.fate === 'junk' ? 'Junk' : 'INBOX')
    },
  })
  return post
}

/** With the header that a relay adds (RFC 5321 §4.4; the keyword is of RFC 3848). */
function received({ from, client, tls, isLoggedIn, data }: TakenMail): Buffer {
  const date = new Date().toUTCString().replace('GMT', '+0000')
  const lines = [
    `Return-Path: <${from}>`,
    `Received: from ${client.name} ([${client.address}])${tls === undefined ? '' : `\r\n\t(using ${tls})`}`,
    `\tby mail.keybuzz.io with ESMTP${tls === undefined ? '' : 'S'}${isLoggedIn ? 'A' : ''}; ${date}`,
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n`), data])
}
