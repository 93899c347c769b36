import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { certificates, type Certificate, type Certificates } from '../servers/certificates.ts'
import { extend, silent, type Listening } from '../servers/hostile.ts'
import { freePort, waitFor } from '../servers/ports.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import { startVaultDouble, type VaultKnobs } from '../servers/vault-double.ts'
import type { Stage } from './fault.ts'

export const secretV2 = 'secret/data/keybuzz/smtp'
export const secretV1 = 'kv/keybuzz/smtp'
const user = 'postmaster@keybuzz.io'
const token = 'hvs.fault-matrix'

/** A relay, and a Vault that may hold its password. */
export interface VaultStage extends Stage {
  readonly vault: VaultService
  readonly relay: Smtp
  readonly certificates: Certificates
  /** The file the exporter takes the token from. */
  writeToken(token: string): Promise<void>
  /** A new password at the relay and in Vault, while no look is under way that has the old one. */
  rotate(): Promise<void>
}

/** The double as a service that can be down; while it is up, its knobs. */
interface VaultService {
  readonly port: number
  readonly double: VaultKnobs
  readonly connections: number
  down(): Promise<void>
  /** In place of what there is: as new, with this certificate, or in the clear. */
  restart(certificate: Certificate | undefined): Promise<void>
  /** In place of what there is: accepts and never says a word, not even of TLS. */
  hang(): Promise<void>
}

interface VaultStageOptions {
  /** Where the password of the relay comes from; `elsewhere` is a file. */
  readonly passwordFrom: typeof secretV1 | typeof secretV2 | 'elsewhere'
  /** Whether the `vault` target lists what is read from it. */
  readonly listed: boolean
}

export async function startVaultStage({ passwordFrom, listed }: VaultStageOptions): Promise<VaultStage> {
  const made = await certificates()
  const folder = tempFolder('mailpath-faults-vault-')
  const file = (name: string): string => path.join(folder, name)
  const relay = await startSmtp({ security: 'starttls', certificate: made.good, users: { [user]: 'at first' } })
  const passwords = { current: '' }
  const vault = await startVault(() => secretsWith(passwords.current))
  const change = (): void => {
    passwords.current = `hunter2-${Math.random()}`
    relay.password(user, passwords.current)
  }
  const rotate = async (): Promise<void> => {
    await waitFor(() => relay.connections + vault.connections === 0, { everyMs: 5, what: 'nobody looks' })
    change()
    for (const where of [secretV1, secretV2]) vault.double.put(where, { SMTP_PASS: passwords.current })
  }
  const heal = async (): Promise<void> => {
    await vault.down()
    // Another one each time, because the login with one that was refused is held off.
    change()
    await Promise.all([writeFile(file('token'), token), writeFile(file('password'), passwords.current)])
    await vault.restart(made.good)
  }
  await writeFile(file('ca.pem'), made.ca)
  await heal()
  return {
    config: configOf({ passwordFrom, listed }, { file, relay: relay.port, vault: vault.port }),
    env: {},
    vault,
    relay,
    certificates: made,
    writeToken: text => writeFile(file('token'), text),
    rotate,
    heal,
    async stop() {
      await Promise.all([vault.down(), relay.close()])
      await removeFolder(folder)
    },
  }
}

const secretsWith = (password: string) => ({
  [secretV2]: { SMTP_PASS: password },
  [secretV1]: { SMTP_PASS: password },
})

interface Places {
  readonly file: (name: string) => string
  readonly relay: number
  readonly vault: number
}

const configOf = ({ passwordFrom, listed }: VaultStageOptions, { file, relay, vault }: Places): string => {
  const source =
    passwordFrom === 'elsewhere'
      ? `{ file: ${file('password')} }`
      : `{ vault: { target: vault-01, path: ${passwordFrom}, key: SMTP_PASS } }`
  const secrets = [secretV1, secretV2].map(where => `{ path: ${where}, keys: [SMTP_PASS] }`)
  return `
vault:
  - name: vault-01
    url: https://127.0.0.1:${vault}
    ca_file: ${file('ca.pem')}
    token: { file: ${file('token')} }
    ${listed ? `secrets: [${secrets.join(', ')}]` : ''}
smtp:
  - name: relay
    host: 127.0.0.1
    port: ${relay}
    ca_file: ${file('ca.pem')}
    user: ${user}
    password: ${source}
mail:
  - name: app
    write_path: []
`
}

async function startVault(secrets: () => Record<string, Record<string, unknown>>): Promise<VaultService> {
  const port = await freePort()
  let running: Listening | undefined
  let double: (VaultKnobs & Listening) | undefined
  const down = async (): Promise<void> => {
    const old = running
    running = double = undefined
    await old?.close()
  }
  return extend(
    {
      port,
      down,
      async restart(certificate: Certificate | undefined) {
        await down()
        const tls = certificate && { tls: certificate }
        running = double = await startVaultDouble({ port, token, secrets: secrets(), ...tls })
      },
      async hang() {
        await down()
        running = await silent({ port })
      },
    },
    {
      get double(): VaultKnobs {
        if (!double) throw new Error('the Vault is down')
        return double
      },
      get connections(): number {
        return running?.connections ?? 0
      },
    },
  )
}
