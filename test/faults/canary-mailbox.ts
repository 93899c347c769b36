/** The mailbox of the canary breaks: nothing is known of arrival, and mail is a warning, never a failure. */
import { createServer, connect } from 'node:net'
import { certificates } from '../servers/certificates.ts'
import { listen, refusedPort, silent, type Listening } from '../servers/hostile.ts'
import { waitFor } from '../servers/processes.ts'
import { box, crowded, held, series, times, warns, withEnv, type CanaryStage, type Row } from './canary-stage.ts'

const unread = { [series('mailbox_reachable')]: 0, [series('sent_total')]: 'any' } as const
const broken = (code: string) => warns(code, { samples: unread, not: [held('lost')] })

/** The row of another server where the mailbox was. */
function at(
  name: string,
  start: (stage: CanaryStage) => Promise<Listening>,
  more: Pick<Row, 'seen'> & Partial<Row>,
): Row {
  let other: Listening | undefined
  return {
    name: `Canary: ${name}`,
    async inject(stage) {
      other = await start(stage)
      stage.env['IMAP_PORT'] = String(other.port)
    },
    async heal(stage) {
      await stage.resetEnv()
      await other?.close()
    },
    ...more,
  }
}

/** Passes all on to the mailbox, each piece so much later. */
const slowly =
  (ms: number) =>
  ({ route }: CanaryStage): Promise<Listening> =>
    listen(
      createServer(client => {
        const server = connect(route.dovecot.ports.imaps, '127.0.0.1')
        for (const [from, to] of [
          [client, server],
          [server, client],
        ] as const) {
          from.on('data', piece => setTimeout(() => to.writable && to.write(piece), ms))
          from.on('close', () => to.destroy()).on('error', () => to.destroy())
        }
      }),
    )

const unreachable: readonly Row[] = [
  {
    name: 'Canary: Dovecot is down, which is the mailbox and its delivery',
    inject: ({ route }) => route.dovecot.down(),
    seen: broken('mailbox_unreachable'),
  },
  {
    name: 'Canary: Dovecot is stopped (SIGSTOP)',
    inject({ route }) {
      route.dovecot.pause()
      return Promise.resolve()
    },
    seen: broken('mailbox_unreachable'),
  },
  at('nothing listens where its mailbox was', refusedPort, { seen: broken('mailbox_unreachable') }),
  at('its mailbox accepts connections and says nothing', () => silent(), { seen: broken('mailbox_unreachable') }),
  at('its mailbox is so slow that a run does not see it', slowly(400), { seen: broken('mailbox_unreachable') }),
]

/** Nothing more is sent then, and it is still not known whether they came. */
const forLong: Row = at('its mailbox cannot be read for so long that three canaries are out', () => refusedPort(), {
  async inject(stage) {
    const other = await refusedPort()
    stage.env['IMAP_PORT'] = String(other.port)
    const before = stage.sent()
    await waitFor(() => stage.sent() >= before + 3, { timeoutMs: 8 * times.intervalMs, what: 'three canaries left' })
    await other.close()
  },
  seen: broken('mailbox_unreachable'),
})

const logins: readonly Row[] = [
  // Another port each, since a login that was refused there is not tried again for a while.
  at(
    'the password of its mailbox is wrong',
    stage => {
      stage.env['IMAP_PASSWORD'] = 'wrong'
      return slowly(0)(stage)
    },
    { seen: broken('mailbox_login_failed') },
  ),
  withEnv(
    'its mailbox does not know the user',
    { IMAP_USER: 'stranger@box.example.net' },
    broken('mailbox_login_failed'),
  ),
  withEnv('the password of its mailbox is not there', { IMAP_PASSWORD: undefined }, broken('mailbox_unresolved')),
]

const withCertificate = (name: string, which: 'expired' | 'wrongName' | 'selfSigned'): Row => ({
  name: `Canary: the certificate of its mailbox ${name}`,
  inject: async ({ route }) => route.dovecot.certificate((await certificates())[which]),
  seen: broken('mailbox_certificate_invalid'),
})

const others: readonly Row[] = [
  withCertificate('has expired', 'expired'),
  withCertificate('is for another name', 'wrongName'),
  withCertificate('is signed by nobody', 'selfSigned'),
  {
    name: 'Canary: a folder that it looks at was deleted',
    inject: async ({ route }) => {
      await route.dovecot.doveadm(['mailbox', 'delete', '-u', box, 'Reports'])
    },
    heal: async ({ route }) => {
      await route.dovecot.doveadm(['mailbox', 'create', '-u', box, 'Reports'])
    },
    seen: warns('mailbox_folder_missing'),
  },
  {
    name: 'Canary: its mailbox has no room left',
    async inject({ route }) {
      await route.dovecot.save('Subject: of another\n\nKept.\n', 'INBOX', box)
      await route.dovecot.limit('*:messages=1', box)
    },
    async heal(stage) {
      await stage.route.dovecot.limit(undefined, box)
      await stage.heal()
    },
    seen: warns('mailbox_full', { not: [held('lost')] }),
  },
]

/** Nothing of this is a fault of mail, or of the mailbox. Dovecot may take a second to open it. */
export const crowdedRows: readonly Row[] = [
  {
    name: 'Canary: its mailbox has 50,000 mails of others',
    async inject(stage) {
      const { dovecot } = stage.route
      await dovecot.fill(50_000, 'INBOX', crowded)
      await dovecot.messages('INBOX', crowded)
      Object.assign(stage.env, { TO: crowded, IMAP_USER: crowded, IMAP_PASSWORD: 'crowded password' })
    },
    heal: stage => stage.resetEnv(),
    seen: { verdict: 'ok', samples: { [series('mailbox_reachable')]: 1 } },
    async meanwhile({ route }) {
      const args = ['-f', 'tab', 'mailbox', 'status', '-u', crowded, 'messages', 'INBOX']
      const [, left = '0'] = /(\d+)\s*$/.exec(await route.dovecot.doveadm(args)) ?? []
      if (Number(left) < 50_000) throw new Error(`only ${left} mails are left`)
    },
  },
]

export const mailboxRows: readonly Row[] = [...unreachable, forLong, ...logins, ...others]
