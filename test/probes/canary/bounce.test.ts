import { describe, expect, it } from 'vitest'
import { bounceIn, mayBeBounce } from '../../../src/probes/canary/bounce.ts'
import { markText, newMark, targetMark } from '../../../src/probes/canary/mark.ts'
import { compose } from '../../../src/probes/canary/message.ts'

const mark = newMark(targetMark(['app']))
const { token } = mark
const ours = compose({ from: 'canary@app.example.com', to: 'canary@box.example.net', mark, at: 0 })
const [ourHeaders = ''] = ours.split('\r\n\r\n')
const text = (...lines: string[]): string => lines.join('\r\n')

interface Parts {
  top?: string[]
  human?: string[]
  status?: string[]
  returned?: string[]
}
/** A report as Postfix writes it. */
const report = ({
  top = [
    'Return-Path: <>',
    'From: MAILER-DAEMON@relay.example.com (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
  ],
  human = [
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'I am sorry to have to inform you that your message could not',
    'be delivered to one or more recipients.',
  ],
  status = [
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; relay.example.com',
    '',
    'Final-Recipient: rfc822; canary@box.example.net',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 <canary@box.example.net>: Recipient address',
    '    rejected: User unknown in virtual mailbox table',
  ],
  returned = ['Content-Type: text/rfc822-headers', '', ourHeaders],
}: Parts = {}): string =>
  text(
    ...top,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="4F5.17/relay.example.com"',
    '',
    'This is a MIME-encapsulated message.',
    '',
    ...[human, status, returned].flatMap(lines => ['--4F5.17/relay.example.com', ...lines, '']),
    '--4F5.17/relay.example.com--',
    '',
  )
const statusOf = (...lines: string[]): string[] => [
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; mx',
  '',
  ...lines,
]
const said = {
  action: 'failed',
  status: '5.1.1',
  text: '550 5.1.1 <canary@box.example.net>: Recipient address rejected: User unknown in virtual mailbox table',
}

describe('a report about a canary', () => {
  it('of Postfix', () => {
    expect(bounceIn(report())).toEqual({ tokens: [token], mark, ...said })
  })

  it.each<[string, Parts, Record<string, unknown>]>([
    ['with the whole mail', { returned: ['Content-Type: message/rfc822', '', ours] }, said],
    [
      'with lines of another system and parts in quoted-printable',
      {
        returned: [
          'Content-Type: text/rfc822-headers',
          'Content-Transfer-Encoding: quoted-printable',
          '',
          ourHeaders.replaceAll('-Mailpath', '-=\r\nMail=70ath'),
        ],
      },
      said,
    ],
    [
      'in base64',
      {
        returned: [
          'Content-Type: message/global-headers',
          'Content-Transfer-Encoding: base64',
          '',
          Buffer.from(ourHeaders).toString('base64'),
        ],
      },
      said,
    ],
    [
      'in Japanese, with UTF-8 in its status',
      {
        human: [
          'Content-Type: text/plain; charset=utf-8',
          'Content-Transfer-Encoding: base64',
          '',
          Buffer.from('メッセージを配信できませんでした').toString('base64'),
        ],
        status: [
          'Content-Type: message/global-delivery-status',
          '',
          'Reporting-MTA: dns; mx',
          '',
          'Action: failed',
          'Status: 5.2.2 (メールボックス)',
          'Diagnostic-Code: smtp; 552 5.2.2 メールボックスがいっぱいです',
        ],
      },
      { action: 'failed', status: '5.2.2', text: '552 5.2.2 メールボックスがいっぱいです' },
    ],
    [
      'of Exchange, with parts within parts',
      {
        human: [
          'Content-Type: multipart/alternative; boundary=inner',
          '',
          '--inner',
          'Content-Type: text/plain',
          '',
          'Delivery has failed',
          '--inner',
          'Content-Type: text/html',
          '',
          '<p>Delivery has failed</p>',
          '--inner--',
        ],
        status: statusOf(
          'Final-recipient: RFC822; canary@box.example.net',
          'Action: failed',
          'Status: 5.7.1',
          'Diagnostic-Code: smtp;550 5.7.1 TRANSPORT.RULES.RejectMessage; not allowed',
        ),
      },
      { action: 'failed', status: '5.7.1', text: '550 5.7.1 TRANSPORT.RULES.RejectMessage; not allowed' },
    ],
    [
      'that it is tried again',
      {
        status: statusOf(
          'Action: delayed',
          'Status: 4.4.1',
          'Diagnostic-Code: X-Postfix; connect to box[192.0.2.1]:25: Connection timed out',
        ),
      },
      { action: 'delayed', status: '4.4.1', text: 'connect to box[192.0.2.1]:25: Connection timed out' },
    ],
    [
      'that it was handed on',
      { status: statusOf('Action: relayed', 'Status: 2.0.0') },
      { action: 'delivered', status: '2.0.0' },
    ],
    [
      'that it was given up after 4xx',
      { status: statusOf('Action: failed', 'Status: 4.4.7', 'Diagnostic-Code: smtp; 450 4.4.7 expired') },
      { action: 'failed', status: '4.4.7' },
    ],
    [
      'without an action',
      { status: statusOf('Status: 5.0.0', 'Diagnostic-Code: smtp; 550 5.7.26 unauthenticated') },
      { action: 'failed', status: '5.7.26' },
    ],
    [
      'without a diagnosis',
      { status: statusOf('Action: failed', 'Status: 5.1.10') },
      { action: 'failed', status: '5.1.10', text: '5.1.10' },
    ],
    [
      'about several recipients, of which one failed',
      {
        status: statusOf(
          'Final-Recipient: rfc822; a@b',
          'Action: relayed',
          'Status: 2.1.5',
          '',
          'Final-Recipient: rfc822; b@b',
          'Action: failed',
          'Status: 5.2.2',
          'Diagnostic-Code: smtp; 552 5.2.2 full',
        ),
      },
      { action: 'failed', status: '5.2.2', text: '552 5.2.2 full' },
    ],
    [
      'that quotes the token',
      {
        status: statusOf(
          'Action: failed',
          'Status: 5.0.0',
          `Diagnostic-Code: smtp; 550 <${token}@app.example.com> is spam`,
        ),
      },
      { text: '550 <…@app.example.com> is spam' },
    ],
  ])('%s', (_, parts, expected) => {
    for (const message of [report(parts), report(parts).replaceAll('\r\n', '\n')])
      expect(bounceIn(message)).toMatchObject({ tokens: [token], mark, ...expected })
  })

  it.each<[string, Parts]>([
    [
      'its Message-ID',
      {
        returned: [
          'Content-Type: message/rfc822',
          '',
          `Subject: mailpath canary\r\nMessage-ID: <${token}@app.example.com>`,
        ],
      },
    ],
    [
      'a reference to it',
      {
        top: ['Return-Path: <>', `References: <a@b> <${token}@app.example.com>`],
        returned: ['Content-Type: text/plain', '', ''],
      },
    ],
    [
      'its Message-ID in the status',
      {
        status: statusOf('Action: failed', 'Status: 5.1.1', `X-Original-Message-ID: <${token}@app.example.com>`),
        returned: ['Content-Type: text/plain', '', ''],
      },
    ],
  ])('may come with no more than %s', (_, parts) => {
    expect(bounceIn(report(parts))).toMatchObject({
      tokens: [token],
      mark: undefined,
      action: 'failed',
      status: '5.1.1',
    })
  })

  it('may be cut off', () => {
    const whole = report()
    const end = whole.indexOf('Auto-Submitted: auto-generated')
    expect(bounceIn(whole.slice(0, end))).toEqual({ tokens: [token], mark, ...said })
    for (let at = 0; at < whole.length; at += 7) expect(() => bounceIn(whole.slice(0, at))).not.toThrow()
  })

  it('may be in a mail around it, if a system sent that', () => {
    const around = (from: string): string =>
      text(
        `From: ${from}`,
        'Content-Type: multipart/mixed; boundary=outer',
        '',
        '--outer',
        report(),
        '--outer',
        'Content-Type: text/plain',
        '',
        'Scanned.',
        '--outer--',
      )
    expect(bounceIn(around('MAILER-DAEMON@relay.example.com'))).toMatchObject({ tokens: [token], ...said })
    expect(bounceIn(around('a.person@example.com'))).toBeUndefined()
  })

  it.each<[string, string, Record<string, unknown> | undefined]>([
    [
      'qmail',
      text(
        'Return-Path: <>',
        'From: MAILER-DAEMON@relay.example.com',
        'Subject: failure notice',
        '',
        'Hi. This is the qmail-send program at relay.example.com.',
        "I'm afraid I wasn't able to deliver your message to the following addresses.",
        "This is a permanent error; I've given up. Sorry it didn't work out.",
        '',
        '<canary@box.example.net>:',
        '192.0.2.1 failed after I sent the message.',
        'Remote host said: 554 5.7.1 The message was rejected',
        '',
        '--- Below this line is a copy of the message.',
        '',
        ourHeaders,
      ),
      { action: 'failed', status: '5.7.1', text: 'Remote host said: 554 5.7.1 The message was rejected' },
    ],
    [
      'an old Exim',
      text(
        'X-Failed-Recipients: canary@box.example.net',
        'Auto-Submitted: auto-replied',
        'From: Mail Delivery System <Mailer-Daemon@relay.example.com>',
        '',
        'This message was created automatically by mail delivery software.',
        '',
        '  canary@box.example.net',
        '    SMTP error from remote mail server after RCPT TO:<canary@box.example.net>:',
        '    host mx [192.0.2.1]: 550 unknown user',
        '',
        '------ This is a copy of the message, including all the headers. ------',
        '',
        ourHeaders,
      ),
      { action: 'failed', status: undefined, text: 'host mx [192.0.2.1]: 550 unknown user' },
    ],
    [
      'a system that quotes the mail, and waits',
      text(
        'Return-Path: <>',
        'From: postmaster@relay.example.com',
        '',
        'Noch nicht zugestellt: 451 4.7.1 Greylisted',
        '',
        ourHeaders.replace(/^/gm, '> '),
      ),
      { action: 'delayed', status: '4.7.1' },
    ],
    [
      'a reply of a person on leave',
      text(
        'Return-Path: <>',
        'From: b@box.example.net',
        'Auto-Submitted: auto-replied',
        `In-Reply-To: <${token}@app.example.com>`,
        '',
        'I am away until 2026. Before that, see me at 500 Main Street.',
      ),
      undefined,
    ],
    [
      'a postmaster who writes about it as a person',
      text(
        'Return-Path: <postmaster@box.example.net>',
        'From: postmaster@box.example.net',
        '',
        'What is this mail? It was refused with 550 5.7.1 at first.',
        '',
        ourHeaders.replace(/^/gm, '> '),
      ),
      undefined,
    ],
    ...['disposition-notification', 'feedback-report'].map((type): [string, string, undefined] => [
      `a ${type}`,
      report({ status: [], human: ['Content-Type: text/plain', '', 'It had 512 bytes, and was displayed.'] }).replace(
        'report-type=delivery-status',
        `report-type=${type}`,
      ),
      undefined,
    ]),
  ])('in words, of %s', (_, message, expected) => {
    if (expected) expect(bounceIn(message)).toMatchObject({ tokens: [token], mark, ...expected })
    else expect(bounceIn(message)).toBeUndefined()
  })

  it('is none about other mail, or of a person, or the mail itself', () => {
    const others = { returned: ['Content-Type: text/rfc822-headers', '', 'Message-ID: <1@app.example.com>'] }
    expect(bounceIn(report(others))).toBeUndefined()
    expect(bounceIn(ours)).toBeUndefined()
    expect(
      bounceIn(
        text(
          'From: a@b',
          `In-Reply-To: <${token}@app.example.com>`,
          '',
          `550 5.1.1 > X-Mailpath-Canary: ${markText(mark)}`,
        ),
      ),
    ).toBeUndefined()
    expect(bounceIn('')).toBeUndefined()
  })

  it('is known by its headers', () => {
    const headersOf = (message: string) => message.split('\r\n\r\n')[0] ?? ''
    expect(mayBeBounce(headersOf(report()))).toBe(true)
    expect(mayBeBounce(headersOf(report({ top: [] })))).toBe(true)
    expect(mayBeBounce(ourHeaders)).toBe(false)
    expect(mayBeBounce('From: a@b\r\nReturn-Path: <a@b>\r\nContent-Type: multipart/mixed; boundary=a')).toBe(false)
  })
})
