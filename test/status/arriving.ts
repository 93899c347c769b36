/** Status values of an application whose mail is followed to a mailbox. */
import type { Status } from '../../src/monitor/ledger.ts'
import { smtp } from '../../src/probes/smtp/index.ts'
import { vault } from '../../src/probes/vault/index.ts'
import { canarySeen, canaryTarget, canaryThat, mailAt, outSince } from './canary.ts'
import { deliveringThat, sesSeen, sesThat, takes } from './delivering.ts'
import { checkOf, reported, start, type Looked } from './looked.ts'

const minute = 60_000
const byRelay = canaryTarget({ name: 'app to outside', smtp: 'mail.keybuzz.io' })
const elsewhere = canaryTarget({ name: 'app to a second one', smtp: 'mail.keybuzz.io' })
const bySes = canaryTarget({ name: 'SES simulator', ses: 'backend SES' })

/** The last mail arrived; by the other way it is only accepted. */
export const arriving = (): Status =>
  deliveringThat(
    takes(),
    sesThat(sesSeen()),
    canaryThat([], { target: byRelay }),
    canaryThat([], { target: bySes, seen: canarySeen({ mails: [], mailbox: undefined }) }),
  )

/** The relay takes every mail, and none arrives. */
export const lostBehind = (): Status =>
  deliveringThat(
    takes(),
    sesThat(sesSeen()),
    canaryThat(['canary_lost'], {
      target: byRelay,
      seen: canarySeen({
        mails: [
          ...[6, 11, 16].map(minutes => outSince(start - minutes * minute)),
          mailAt(start - 21 * minute, { arrival: mailAt(start).arrival }),
        ],
      }),
    }),
  )

/** The relay is down, and a mail waits in its queue. */
export const lostWithRelay = (): Status =>
  deliveringThat(
    takes(['smtp_unreachable']),
    canaryThat(['canary_not_sent'], {
      target: byRelay,
      seen: canarySeen({ mails: [outSince(start - 6 * minute), mailAt(start - 11 * minute)] }),
    }),
  )

/** Vault has the password of the relay, and mail comes into the junk folder of one of two mailboxes. */
export function intoJunk(): Status {
  const target = vault.target.parse({ name: 'vault-01', url: 'https://vault-01:8200' })
  const needs = ['vault/vault-01']
  const plain = mailAt(start - 5_000)
  const arrival = plain.arrival && { ...plain.arrival, folder: 'junk' as const, folderName: 'Junk' }
  const relay = smtp.target.parse({ name: 'mail.keybuzz.io', host: 'mail.keybuzz.io' })
  const vaultThat: Looked = { check: checkOf(vault, target), observation: reported(vault, target, []) }
  return deliveringThat(
    vaultThat,
    { check: checkOf(smtp, relay, needs), observation: reported(smtp, relay, []) },
    canaryThat(['canary_in_junk'], { target: byRelay, needs, seen: canarySeen({ mails: [{ ...plain, arrival }] }) }),
    canaryThat([], { target: elsewhere, needs }),
  )
}
