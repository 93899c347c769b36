/** The way of a canary breaks, alone or with its mailbox: one thing to fix, and the canary is no second one. */
import { certificates } from '../servers/certificates.ts'
import type { Listening } from '../servers/hostile.ts'
import { freePort } from '../servers/ports.ts'
import { pem } from '../servers/postfix-instance.ts'
import { waitFor } from '../servers/processes.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { at, held, series, startStage, times, warns, withoutRoute, type CanaryStage } from './canary-stage.ts'
import type { Area, Expectation, Fault } from './fault.ts'

/** The passwords of the relay and of the mailbox are in a Vault. */
interface PairsStage extends CanaryStage {
  /** Ends it, or starts it where it was. */
  readonly vault: { down(): Promise<void>; up(): Promise<void> }
}

type Row = Omit<Fault<PairsStage>, 'skip'>

const secretPath = 'secret/data/mail'
const token = 'hvs.canary-stage'

async function startPairsStage(): Promise<PairsStage> {
  const stage = await startStage('soon')()
  const port = await freePort()
  let double: Listening | undefined
  const vault: PairsStage['vault'] = {
    async down() {
      const old = double
      double = undefined
      await old?.close()
    },
    async up() {
      const { RELAY_PASSWORD, IMAP_PASSWORD } = stage.env
      double ??= await startVaultDouble({ port, token, secrets: { [secretPath]: { RELAY_PASSWORD, IMAP_PASSWORD } } })
    },
  }
  await vault.up()
  stage.env['VAULT_TOKEN'] = token
  const inVault = (key: string): string => `{ vault: { target: vault, path: ${secretPath}, key: ${key} } }`
  const config = ['RELAY_PASSWORD', 'IMAP_PASSWORD'].reduce(
    (text, key) => text.replace(`{ env: ${key} }`, inVault(key)),
    stage.config,
  )
  return {
    ...stage,
    vault,
    secrets: [...(stage.secrets ?? []), token],
    config: `vault: [{ name: vault, url: "http://127.0.0.1:${port}", token: { env: VAULT_TOKEN } }]\n${config}`,
    async heal() {
      await stage.resetEnv()
      await vault.up()
      await stage.heal()
    },
    async stop() {
      await vault.down()
      await stage.stop()
    },
  }
}

const { expired } = await certificates()

const relayIs = (code: string, reason: string, more: Partial<Expectation> = {}): Expectation => ({
  verdict: 'fail',
  root: `smtp/relay ${code}`,
  reasons: [held(reason)],
  because: { [held(reason)]: 'smtp/relay' },
  ...more,
})

const closeRelay = async ({ env }: PairsStage): Promise<void> => {
  env['RELAY_PORT'] = String(await freePort())
}

/** Holds mails in the queue of the relay until one of them is lost by the time. */
async function lose(stage: PairsStage): Promise<void> {
  let taken = 0
  stage.route.relay.policy.decide(request => {
    if (request['protocol_state'] !== 'END-OF-MESSAGE') return undefined
    taken++
    return 'HOLD'
  })
  await waitFor(() => taken >= 2, { timeoutMs: 6 * times.intervalMs, what: 'two canaries are held' })
}

const relays: readonly Row[] = [
  { name: 'Canary: its relay refuses connections', inject: closeRelay, seen: relayIs('smtp_unreachable', 'not_sent') },
  {
    name: 'Canary: its relay is stopped (SIGSTOP)',
    inject({ route }) {
      route.relay.pause()
      return Promise.resolve()
    },
    async heal(stage) {
      stage.route.relay.resume()
      await stage.heal()
    },
    seen: relayIs('smtp_no_answer', 'not_sent'),
  },
  {
    name: 'Canary: the certificate of its relay has expired',
    async inject({ route }) {
      await route.relay.rewrite('good.pem', () => pem(expired))
    },
    async heal(stage) {
      await stage.route.relay.rewrite('good.pem', text => text)
      await stage.heal()
    },
    seen: relayIs('smtp_certificate_invalid', 'not_sent'),
  },
  {
    name: 'Canary: its relay refuses the client (554 at the greeting)',
    inject({ route }) {
      route.relay.policy.decide(at('CONNECT', '554 5.7.1 no'))
      return Promise.resolve()
    },
    seen: relayIs('smtp_greeting_refused', 'not_sent'),
  },
]

const two: readonly Row[] = [
  {
    name: 'Canary: mails are lost, and then its relay refuses connections',
    async inject(stage) {
      await lose(stage)
      await closeRelay(stage)
    },
    seen: relayIs('smtp_unreachable', 'lost'),
  },
  {
    name: 'Canary: its relay refuses connections, and its mailbox is down',
    async inject(stage) {
      await Promise.all([closeRelay(stage), stage.route.dovecot.down()])
    },
    seen: {
      verdict: 'fail',
      root: 'smtp/relay smtp_unreachable',
      reasons: [held('mailbox_unreachable')],
    },
  },
  {
    name: 'Canary: its relay throws mail away, and its mailbox is down',
    async inject(stage) {
      await stage.route.dovecot.down()
      stage.route.relay.policy.decide(at('END-OF-MESSAGE', 'DISCARD'))
    },
    seen: warns('mailbox_unreachable', { not: [held('lost')], samples: { [series('mailbox_reachable')]: 0 } }),
    hidden: 'whether mail arrives, until the mailbox can be read again. Then the canary is lost.',
  },
  {
    name: 'Canary: Vault is down, which has the passwords of its relay and of its mailbox',
    inject: ({ vault }) => vault.down(),
    seen: {
      verdict: 'unknown',
      root: 'vault/vault vault_unreachable',
      reasons: [held('not_sent'), held('mailbox_unresolved')],
      // The canary waits for its relay, and that for Vault.
      because: { [held('not_sent')]: 'smtp/relay', 'smtp/relay smtp_password_unresolved': 'vault/vault' },
    },
  },
]

export const pairsArea: Area<PairsStage> = {
  name: 'Canary: its way, and two faults at once',
  start: startPairsStage,
  faults: [...relays, ...two].map(row => ({ ...row, skip: withoutRoute })),
  times,
}
