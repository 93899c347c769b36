import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { startKubernetesDouble, type KubernetesKnobs } from '../servers/kubernetes-double.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp, type Smtp } from '../servers/smtp.ts'
import type { Stage } from './fault.ts'

const token = 'eyJhbGciOiJSUzI1NiJ9.fault-matrix'
export const login = { user: 'postmaster@keybuzz.io', password: 'hunter2-hunter2' }
export const secret = 'keybuzz/app'

/** A relay, and the sources of what is needed to log in there: a `.env`, as it stands and expanded, and a Secret. */
export interface ValuesStage extends Stage {
  readonly relay: Smtp
  readonly kubernetes: KubernetesKnobs
  /** The `.env` with this value for a name. */
  set(name: string, value: string): Promise<void>
}

export async function startValuesStage(): Promise<ValuesStage> {
  const folder = tempFolder('mailpath-faults-values-')
  const file = path.join(folder, '.env')
  const relay = await startSmtp({ security: 'none', users: { [login.user]: login.password } })
  const kubernetes = await startKubernetesDouble({ token })
  const heal = async (): Promise<void> => {
    kubernetes.secrets = { [secret]: { SMTP_PASS: login.password, OLD_PASS: login.password } }
    kubernetes.encoded = {}
    const lines = {
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(relay.port),
      SMTP_USER: login.user,
      SMTP_PASS: login.password,
      EXPANDED: '${SMTP_PASS}',
    }
    await writeFile(
      file,
      Object.entries(lines)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
  }
  await heal()
  return {
    relay,
    kubernetes,
    env: { KUBERNETES_TOKEN: token },
    config: configOf({ file, relay: relay.port, kubernetes: kubernetes.port }),
    heal,
    async set(name, value) {
      const text = await readFile(file, 'utf8')
      await writeFile(
        file,
        text.replace(new RegExp(`^${name}=.*$`, 'm'), () => `${name}=${value}`),
      )
    },
    async stop() {
      await Promise.all([relay.close(), kubernetes.close()])
      await removeFolder(folder)
    },
  }
}

const configOf = (at: { file: string; relay: number; kubernetes: number }): string => {
  const dotenv = (key: string): string => `{ dotenv: ${at.file}, key: ${key} }`
  const ofSecret = (key: string): string => `{ kubernetes: { namespace: keybuzz, secret: app, key: ${key} } }`
  return `
kubernetes: { url: "http://127.0.0.1:${at.kubernetes}", token: { env: KUBERNETES_TOKEN } }
smtp:
  - name: file
    host: ${dotenv('SMTP_HOST')}
    port: ${dotenv('SMTP_PORT')}
    security: none
    user: ${dotenv('SMTP_USER')}
    password: ${dotenv('SMTP_PASS')}
  - name: expanded
    host: 127.0.0.1
    port: ${at.relay}
    security: none
    user: ${login.user}
    password: { dotenv: ${at.file}, key: EXPANDED, expand: true }
  - name: secret
    host: 127.0.0.1
    port: ${at.relay}
    security: none
    user: ${login.user}
    password: ${ofSecret('SMTP_PASS')}
settings:
  - name: file
    from: { dotenv: ${at.file} }
    expect: { SMTP_HOST: 127.0.0.1, SMTP_USER: ${login.user} }
mail: [{ name: app, write_path: [] }]
drift:
  - { name: passwords, sources: { now: ${ofSecret('SMTP_PASS')}, before: ${ofSecret('OLD_PASS')} } }
`
}
