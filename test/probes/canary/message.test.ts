import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isOurs, markHeader, markFrom, markText, newMark, targetMark } from '../../../src/probes/canary/mark.ts'
import { compose, messageId } from '../../../src/probes/canary/message.ts'
import { smtp } from '../../../src/probes/smtp/index.ts'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from '../../servers/dovecot.ts'
import { freePort, needs, waitFor } from '../../servers/processes.ts'
import { postfixBinary, postfixInstall, startInstance, type PostfixInstance } from '../../servers/postfix-instance.ts'
import { handOverOnce } from './handing-over.ts'

const mail = () => ({
  from: 'canary@app.example.com',
  to: 'canary@example.test',
  mark: newMark(targetMark(['outside', 'canary@example.test'])),
  at: Date.UTC(2026, 10, 1, 3, 4, 5),
})

/** A strict reader of RFC 5322: no comment, nothing obsolete. Throws where the text breaks a rule. */
function read(text: string): { headers: Map<string, string>; body: string } {
  if (!/^[\x20-\x7e\r\n]*$/.test(text)) throw new Error('more than printable ASCII')
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) throw new Error('a line does not end with CRLF')
  if (!text.endsWith('\r\n')) throw new Error('the last line has no end')
  const lines = text.slice(0, -2).split('\r\n')
  if (lines.some(line => line.length > 78)) throw new Error('a line is longer than 78 characters')
  const end = lines.indexOf('')
  const headers = new Map<string, string>()
  for (const line of lines.slice(0, end)) {
    const [, name, value] = /^([!-9;-~]+): ([!-~](?:[ -~]*[!-~])?)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error(`no header: ${line}`)
    if (headers.has(name.toLowerCase())) throw new Error(`${name} is there twice`)
    headers.set(name.toLowerCase(), value)
  }
  return { headers, body: lines.slice(end + 1).join('\n') }
}

const atoms = String.raw`[\w!#$%&'*+/=?^\`{|}~-]+(?:\.[\w!#$%&'*+/=?^\`{|}~-]+)*`

describe('a canary', () => {
  it('is a mail by RFC 5322, small, in plain text, and asks for no answer', () => {
    const given = mail()
    const text = compose(given)
    const { headers, body } = read(text)
    expect(Object.fromEntries(headers)).toEqual({
      date: 'Sun, 01 Nov 2026 03:04:05 +0000',
      from: given.from,
      to: given.to,
      'message-id': `<${given.mark.token}@app.example.com>`,
      subject: 'mailpath canary',
      'x-mailpath-canary': markText(given.mark),
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'All',
      'mime-version': '1.0',
      'content-type': 'text/plain; charset=us-ascii',
      'content-transfer-encoding': '7bit',
    })
    expect(messageId(given)).toMatch(new RegExp(`^<${atoms}@${atoms}>$`))
    expect(text.length).toBeLessThan(1024)
    expect(body).not.toMatch(/https?:|www\./)
    expect(body).toContain('postmaster of app.example.com')
  })

  it('has a mark that is read back, folded or not, and nothing else is', () => {
    const mark = newMark(targetMark(['a', 'b']))
    expect(markFrom(markText(mark))).toEqual(mark)
    expect(markFrom(markText(mark).replaceAll(' ', '\r\n\t'))).toEqual(mark)
    expect(isOurs(mark)).toBe(true)
    expect(isOurs({ ...mark, instance: newMark('x').token.slice(0, 13) })).toBe(false)
    for (const other of ['', 'v1', `v2 ${markText(mark).slice(3)}`, `${markText(mark)}a`, markText(mark).toUpperCase()])
      expect(markFrom(other)).toBeUndefined()
  })

  it('has a token of its own, and the mark of its target in each process', () => {
    const [one, two] = [newMark('t'), newMark('t')]
    expect(one.token).toMatch(/^[a-z2-7]{26}$/)
    expect(one.token).not.toBe(two.token)
    expect(one.instance).toBe(two.instance)
    expect(targetMark(['outside', 'canary@example.test'])).toBe('bmgfqlz6mr3fl')
    expect(targetMark(['outside', 'other@example.test'])).not.toBe('bmgfqlz6mr3fl')
  })
})

const both = needs('Dovecot', dovecotBinary(), dovecotInstall) && needs('Postfix', postfixBinary(), postfixInstall)

describe.skipIf(!both)('by a real Postfix into a real Dovecot', () => {
  let dovecot: Dovecot
  let postfix: PostfixInstance
  let port: number
  beforeAll(async () => {
    dovecot = await startDovecot()
    port = await freePort()
    postfix = await startInstance('postfix', {
      main: () => `mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = example.test
virtual_transport = lmtp:inet:127.0.0.1:${dovecot.ports.lmtp}
smtp_dns_support_level = disabled
strict_rfc821_envelopes = yes
strict_7bit_headers = yes
strict_8bitmime_body = yes
strict_mime_encoding_domain = yes
`,
      services: () => `127.0.0.1:${port} inet n - n - - smtpd\n`,
      ports: [port],
    })
  })
  afterAll(async () => {
    await postfix.stop()
    await dovecot.stop()
  })

  it('arrives as it was sent, behind what the servers put on top', async () => {
    const way = {
      kind: 'smtp',
      target: smtp.target.parse({ name: 'relay', host: '127.0.0.1', port, security: 'none' }),
    } as const
    const { handOver, message, mark } = await handOverOnce(way)
    expect(handOver).toMatchObject({
      kind: 'accepted',
      reply: expect.stringMatching(/^250 2\.0\.0 Ok: queued as /) as string,
    })
    let arrived = ''
    await waitFor(
      async () => {
        arrived = await dovecot.doveadm(['fetch', '-u', dovecot.user, 'text', 'mailbox', 'INBOX'])
        return arrived.includes(mark.token)
      },
      { timeoutMs: 10_000, what: 'the mail arrived' },
    )
    const lines = arrived.split(/\r?\n/).join('\r\n')
    expect(lines).toContain(message)
    expect(lines.slice(0, lines.indexOf(message))).toMatch(/Return-Path: <bounces@app\.example\.com>/)
    expect((await dovecot.messages())[0]?.canary).toBe(markText(mark))
    const log = await readFile(`${postfix.folder}/postfix.log`, 'utf8')
    expect(log).toContain(`message-id=<${mark.token}@app.example.com>`)
    expect(log).not.toMatch(/warning:|header syntax/)
    expect(markHeader).toBe('X-Mailpath-Canary')
  })
})
