/** A canary that arrives, and not as it should. */
import { waitFor } from '../servers/processes.ts'
import { outside, senders } from '../servers/mail-route.ts'
import { at, box, receiverDoes, relayDoes, series, times, warns, withEnv, type Row } from './canary-stage.ts'

const result = (method: string, value: string): string =>
  series('authentication', `method="${method}",result="${value}"`)

/** Its mails come again with other numbers while one of them is under way. */
export const renumbered: Row = {
  name: 'Canary: the mails of its inbox get other numbers (UIDVALIDITY) while one is under way',
  async inject({ route: { relay, receiver, dovecot } }) {
    let tried = 0
    receiver.policy.decide(({ protocol_state }) => {
      if (protocol_state !== 'RCPT') return undefined
      tried++
      return '450 4.2.0 greylisted'
    })
    await waitFor(() => tried > 0, { timeoutMs: 9 * times.intervalMs, what: 'a canary waits' })
    await dovecot.save('Subject: of another\n\nKept.\n', 'INBOX', box)
    // Dovecot ends the sessions that are open then.
    await waitFor(async () => !(await dovecot.doveadm(['who', '-1'])).includes(box), {
      timeoutMs: 9 * times.intervalMs,
      what: 'no run reads the mailbox',
    })
    await dovecot.renumber('INBOX', box)
    receiver.policy.decide(() => undefined)
    await relay.flush()
  },
  seen: { verdict: 'ok', samples: { [series('mailbox_reachable')]: 1 } },
  async meanwhile({ route: { dovecot } }) {
    const left = async (ours: boolean): Promise<number> =>
      (await dovecot.messages('INBOX', box)).filter(({ canary }) => (canary !== '') === ours).length
    await waitFor(async () => (await left(true)) === 0, { timeoutMs: 9 * times.intervalMs, what: 'no canary is left' })
    if ((await left(false)) === 0) throw new Error('the mail of another was deleted')
  },
}

const late: readonly Row[] = [
  receiverDoes(
    'the receiver greylists, and the relay tries again (450)',
    at('RCPT', '450 4.2.0 greylisted'),
    warns('late', { samples: { [series('pending')]: 'any', [series('lost_total')]: 0 } }),
  ),
]

const folders: readonly Row[] = [
  receiverDoes(
    'the receiver puts it into the junk folder',
    at('RCPT', `REDIRECT ${box.replace('@', '+Junk@')}`),
    warns('in_junk', { samples: { [series('in_junk')]: 1, [series('arrived_total', 'folder="junk"')]: 'any' } }),
  ),
  receiverDoes(
    'a filter puts it into another folder that is looked at',
    at('RCPT', `REDIRECT ${box.replace('@', '+Reports@')}`),
    {
      verdict: 'ok',
      samples: { [series('in_junk')]: 0, [series('arrived_total', 'folder="other"')]: 'any' },
    },
  ),
]

const authentication: readonly Row[] = [
  withEnv(
    'the relay does not sign it',
    { FROM: `app@${senders.unsigned}` },
    warns('unauthenticated', { samples: { [result('dkim', 'none')]: 1, [result('spf', 'pass')]: 1 } }),
  ),
  withEnv(
    'the key in DNS is not the one that signs',
    { FROM: `app@${senders.rotated}` },
    warns('unauthenticated', { samples: { [result('dkim', 'fail')]: 1, [result('dkim', 'pass')]: 0 } }),
  ),
  withEnv(
    'SPF does not allow the relay',
    { BOUNCES: `bounces@${senders.foreign}` },
    warns('unauthenticated', { samples: { [result('spf', 'fail')]: 1, [result('dkim', 'pass')]: 1 } }),
  ),
]

/** A run shows the last ten. */
const shown = 10

const twice: Row = {
  ...relayDoes(
    'the relay sends it twice',
    at('RCPT', `BCC ${box.replace('@', '+Reports@')}`),
    warns('duplicated', { samples: { [series('duplicates_total')]: 'any' } }),
  ),
  async heal(stage) {
    await stage.heal()
    const before = stage.sent()
    await waitFor(() => stage.sent() >= before + shown, {
      timeoutMs: 2 * shown * times.intervalMs,
      what: `${shown} canaries left after it was healed`,
    })
  },
}

const inClear: Row = {
  name: 'Canary: the relay hands it over without TLS',
  inject: ({ route: { relay, receiver } }) =>
    relay.configure(`relayhost = [${outside}]:${receiver.port}`, 'smtp_tls_security_level = none'),
  seen: warns('sent_in_clear', { samples: { [series('clear_hops')]: 1 } }),
  skip: outside === undefined ? 'this machine has no address but its loopback' : undefined,
}

export const arrivalRows: readonly Row[] = [...late, ...folders, ...authentication, inClear, twice]
