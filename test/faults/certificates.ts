/** Chains of certificates: which one of them decides. The same chains on a relay, on Postgres and on a Vault. */
import { certificates, type Certificate } from '../servers/certificates.ts'
import { authority, days, leaf, type Pair, type Validity } from '../servers/chains.ts'
import type { Area, Expectation, Fault } from './fault.ts'
import { connectWith } from './postgres-login.ts'
import { startTlsStage, type TlsStage } from './postgres-tls.ts'
import { runnable, type Runnable } from './runner.ts'
import { blocked, changed, noLogin, relayStage, samplesOf, type RelayStage } from './smtp-stage.ts'
import { gauge, survived } from './vault-rows.ts'
import { startVaultStage, type VaultStage } from './vault-stage.ts'

const made = await certificates()
const root: Pair = { cert: made.ca, key: made.caKey, publicKey: '' }
const seconds = ({ to }: Validity): number => Math.floor(to.getTime() / 1000)

const year = days(1, 365)
const past = days(100, -30)
const soon = days(100, 5)
const tomorrow = days(100, 1)

const r3 = await authority('R3', days(100, 900), root)
const chain = async (validity: Validity, more: readonly Pair[]): Promise<Certificate> => {
  const own = await leaf('mail.keybuzz.io', validity, r3)
  return { cert: [own, ...more].map(one => one.cert).join('\n'), key: own.key, ca: made.ca }
}

/** A root that has expired signed ours: clients that know ours do not need it. */
const deadRoot = await authority('Dead Root', days(1000, -30))
const crossSigned = await authority('mailpath test authority', days(1000, -30), deadRoot, {
  ...root,
  publicKey: await publicKeyOf(root.cert),
})

async function publicKeyOf(cert: string): Promise<string> {
  const { X509Certificate } = await import('node:crypto')
  return new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

const whole = await chain(year, [r3])
const leafEnds = await chain(tomorrow, [r3])
const intermediateEnds = await chain(year, [await authority('R3', soon, root, r3)])
const intermediateExpired = await chain(year, [await authority('R3', past, root, r3)])
const intermediateNotYet = await chain(year, [await authority('R3', days(-10, 100), root, r3)])
const incomplete = await chain(year, [])
const surplus = await chain(year, [r3, crossSigned])

const relay = (name: string, certificate: Certificate, seen: Expectation): Fault<RelayStage> =>
  changed(`SMTP chain: ${name}`, server => server.certificate(certificate), seen)
const refused = (end: number | 'any'): Expectation =>
  blocked('smtp_certificate_invalid', {
    ...noLogin,
    reachable: 1,
    certificate_valid: 0,
    certificate_not_after_timestamp_seconds: end,
  })
const taken = (end: number, ...codes: string[]): Expectation => ({
  verdict: codes.length === 0 ? 'ok' : 'warn',
  reasons: codes,
  samples: samplesOf({ authenticated: 1, certificate_valid: 1, certificate_not_after_timestamp_seconds: end }),
})

const smtp: Area<RelayStage> = {
  name: 'SMTP: chain of certificates',
  start: () => relayStage('', { certificate: whole }),
  faults: [
    relay(
      'an intermediate certificate has expired, and that of the relay has not',
      intermediateExpired,
      refused(seconds(past)),
    ),
    relay('an intermediate certificate is not valid yet', intermediateNotYet, refused('any')),
    relay('the intermediate certificate is not sent', incomplete, refused('any')),
    relay(
      'an intermediate certificate ends in five days',
      intermediateEnds,
      taken(seconds(soon), 'smtp/relay smtp_certificate_expires_soon'),
    ),
    relay(
      'the certificate of the relay ends in a day',
      leafEnds,
      taken(seconds(tomorrow), 'smtp/relay smtp_certificate_expires_soon'),
    ),
    relay('a certificate is sent that has expired, and that no client needs', surplus, taken(seconds(year))),
  ],
}

const onPath = (metric: string): string => `mailpath_write_path_${metric}{target="app",postgres_cluster="kb"}`
const presents = (name: string, certificate: Certificate, seen: Expectation): Fault<TlsStage> => ({
  name: `Postgres chain: ${name}`,
  inject: stage => stage.use(certificate),
  seen,
})
const pathRefused: Expectation = {
  verdict: 'fail',
  root: 'write_path/app write_path_tls_failed',
  samples: { [onPath('reachable')]: 0, [onPath('certificate_not_after_timestamp_seconds')]: 'any' },
}
const pathTaken = (end: number, ...codes: string[]): Expectation => ({
  verdict: codes.length === 0 ? 'ok' : 'warn',
  reasons: codes,
  not: codes.length === 0 ? ['write_path/app write_path_certificate_expires_soon'] : [],
  samples: { [onPath('writable')]: 1, [onPath('certificate_not_after_timestamp_seconds')]: end },
})
const pathWarns = 'write_path/app write_path_certificate_expires_soon'

const postgres: Area<TlsStage> = {
  name: 'Postgres: chain of certificates',
  start: startTlsStage,
  faults: [
    presents(
      'an intermediate certificate has expired, and that of the server has not',
      intermediateExpired,
      pathRefused,
    ),
    presents('an intermediate certificate is not valid yet', intermediateNotYet, pathRefused),
    presents('the intermediate certificate is not sent', incomplete, pathRefused),
    presents(
      'the certificate of the server ends in a day, and the application verifies it',
      leafEnds,
      pathTaken(seconds(tomorrow), pathWarns),
    ),
    presents('an intermediate certificate ends in five days', intermediateEnds, pathTaken(seconds(soon), pathWarns)),
    presents('a certificate is sent that has expired, and that no client needs', surplus, pathTaken(seconds(year))),
    {
      name: 'Postgres chain: the certificate of the server ends in a day, and no client verifies it',
      async inject(stage) {
        await connectWith(stage, 'sslmode=require')
        await stage.use(leafEnds)
      },
      seen: pathTaken(seconds(tomorrow)),
    },
  ],
}

const shows = (name: string, certificate: Certificate, seen: Expectation): Fault<VaultStage> => ({
  name: `Vault chain: ${name}`,
  inject: ({ vault }) => vault.restart(certificate),
  seen,
})
const end = (value: number) => gauge('certificate_not_after_timestamp_seconds', value)

const vault: Area<VaultStage> = {
  name: 'Vault: chain of certificates',
  start: () => startVaultStage({ passwordFrom: 'elsewhere', listed: true }),
  faults: [
    shows('an intermediate certificate has expired, and that of the node has not', intermediateExpired, {
      ...survived('vault_tls_failed', end(seconds(past))),
      verdict: 'warn',
    }),
    shows('an intermediate certificate ends in five days', intermediateEnds, {
      ...survived('vault_certificate_expires_soon', end(seconds(soon))),
      verdict: 'warn',
    }),
    shows('a certificate is sent that has expired, and that no client needs', surplus, {
      verdict: 'ok',
      not: ['vault/vault vault_certificate_expires_soon'],
      samples: end(seconds(year)),
    }),
  ],
}

export const certificateAreas: readonly Runnable[] = [runnable(smtp), runnable(postgres), runnable(vault)]
