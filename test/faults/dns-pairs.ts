/** Two faults at once: what receivers find is wrong, and something else is. */
import { freePort } from '../servers/ports.ts'
import type { Listening } from '../servers/hostile.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { envelope, selectors } from './dns-records.ts'
import { held, startDnsStage, times, withoutNsd, type DnsStage } from './dns-stage.ts'
import type { Area, Fault } from './fault.ts'
import { user } from './smtp-stage.ts'

/** The password of the relay is in a Vault. */
interface PairsStage extends DnsStage {
  readonly vault: { down(): Promise<void>; up(): Promise<void> }
}

const secretPath = 'secret/data/mail'
const token = 'hvs.dns-stage'
const password = 'correct horse of the relay'

async function start(): Promise<PairsStage> {
  const stage = await startDnsStage({
    login: `user: ${user}, password: { vault: { target: vault, path: ${secretPath}, key: PASS } }`,
    password,
  })()
  const port = await freePort()
  let double: Listening | undefined
  const vault: PairsStage['vault'] = {
    async down() {
      const old = double
      double = undefined
      await old?.close()
    },
    async up() {
      double ??= await startVaultDouble({ port, token, secrets: { [secretPath]: { PASS: password } } })
    },
  }
  await vault.up()
  stage.env['VAULT_TOKEN'] = token
  return {
    ...stage,
    vault,
    secrets: [token, password],
    config: `vault: [{ name: vault, url: "http://127.0.0.1:${port}", token: { env: VAULT_TOKEN } }]\n${stage.config}`,
    async heal() {
      await vault.up()
      await stage.relay.heal()
      await stage.heal()
    },
    async stop() {
      await vault.down()
      await stage.stop()
    },
  }
}

/** Nothing authenticates. */
const believeNothing = ({ publish }: DnsStage): Promise<void> =>
  publish({
    [`${envelope} TXT`]: ['v=spf1 -all'],
    [`${selectors[0]} TXT`]: ['v=DKIM1; p='],
    's2.keys.example.net TXT': ['v=DKIM1; p='],
  })

const both =
  (...parts: readonly ((stage: PairsStage) => Promise<void>)[]) =>
  async (stage: PairsStage): Promise<void> => {
    await Promise.all(parts.map(part => part(stage)))
  }
const relayRefuses = ({ relay }: DnsStage): Promise<void> => relay.swap()
const resolverDown = ({ nsd }: DnsStage): Promise<void> => nsd.down()
const vaultDown = ({ vault }: PairsStage): Promise<void> => vault.down()

const rows: readonly Omit<Fault<PairsStage>, 'skip'>[] = [
  {
    name: 'DNS and more: nothing authenticates, and the relay refuses connections',
    inject: both(believeNothing, relayRefuses),
    seen: { verdict: 'fail', root: 'smtp/relay smtp_unreachable', reasons: [held('unauthenticated')] },
  },
  {
    name: 'DNS and more: nothing authenticates, and Vault is down, which has the password of the relay',
    inject: both(believeNothing, vaultDown),
    seen: {
      verdict: 'fail',
      root: held('unauthenticated'),
      reasons: ['vault/vault vault_unreachable', 'smtp/relay smtp_password_unresolved'],
      because: { 'smtp/relay smtp_password_unresolved': 'vault/vault' },
    },
  },
  {
    name: 'DNS and more: the name server is down, and the relay refuses connections',
    inject: both(resolverDown, relayRefuses),
    seen: { verdict: 'fail', root: 'smtp/relay smtp_unreachable', reasons: [held('resolver_failed')] },
  },
  {
    name: 'DNS and more: the name server is down, and so is Vault',
    inject: both(resolverDown, vaultDown),
    seen: { verdict: 'unknown', root: 'vault/vault vault_unreachable', reasons: [held('resolver_failed')] },
  },
  {
    name: 'DNS and more: SPF does not cover the relay, and the relay refuses connections',
    inject: both(({ publish }) => publish({ [`${envelope} TXT`]: ['v=spf1 -all'] }), relayRefuses),
    seen: { verdict: 'fail', root: 'smtp/relay smtp_unreachable', reasons: [held('spf_not_covering')] },
  },
]

export const dnsPairsArea: Area<PairsStage> = {
  name: 'DNS and another fault',
  start,
  faults: rows.map(row => ({ ...row, skip: withoutNsd })),
  times,
}
