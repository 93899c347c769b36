import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { extend } from '../servers/hostile.ts'
import { startKubernetesDouble, type KubernetesKnobs } from '../servers/kubernetes-double.ts'
import { freePort } from '../servers/ports.ts'
import { removeFolder, tempFolder } from '../servers/processes.ts'
import { startSmtp } from '../servers/smtp.ts'
import type { Stage } from './fault.ts'

export const stubFile = 'dist/outboundEmail.service.js'
const token = 'eyJhbGciOiJSUzI1NiJ9.fault-matrix'
const login = { user: 'postmaster@keybuzz.io', password: 'hunter2-hunter2' }

/** An application: its `.env`, a Secret of Kubernetes, and its folder with what is installed in it. */
export interface SettingsStage extends Stage {
  readonly kubernetes: KubernetesKnobs
  stopKubernetes(): Promise<void>
  /** A file below the folder; an absent text takes it away, be it a file or a folder. */
  write(file: string, text: string | Uint8Array | undefined): Promise<void>
  /** The `.env` with this in place of that. */
  edit(from: string | RegExp, to: string): Promise<void>
}

const dotenv = `SMTP_HOST=mail-core-01
SMTP_PORT=587
SMTP_USER=postmaster@keybuzz.io
SMTP_PASS=hunter2-hunter2
`
const files: Record<string, string> = {
  'app/.env': dotenv,
  'app/package.json': JSON.stringify({ dependencies: { nodemailer: '^6.9.0' } }),
  'app/node_modules/nodemailer/package.json': JSON.stringify({ name: 'nodemailer', version: '6.9.14' }),
  'app/node_modules/@aws-sdk/client-ses/package.json': JSON.stringify({ version: '3.600.0' }),
  [`app/${stubFile}`]: 'export const send = () => transport.sendMail()\n',
}

export async function startSettingsStage(): Promise<SettingsStage> {
  const folder = tempFolder('mailpath-faults-settings-')
  const at = (file: string): string => path.join(folder, file)
  const relay = await startSmtp({ security: 'none', users: { [login.user]: login.password } })
  const port = await freePort()
  const secrets = () => ({ 'keybuzz/app': { SMTP_HOST: 'mail-core-01', SMTP_PASS: login.password } })
  let kubernetes = await startKubernetesDouble({ port, token, secrets: secrets() })
  const write = async (file: string, text: string | Uint8Array | undefined): Promise<void> => {
    if (text === undefined) return rm(at(file), { recursive: true })
    await mkdir(path.dirname(at(file)), { recursive: true })
    await writeFile(at(file), text)
  }
  const heal = async (): Promise<void> => {
    await Promise.all(Object.entries(files).map(([file, text]) => write(file, text)))
    await kubernetes.close()
    kubernetes = await startKubernetesDouble({ port, token, secrets: secrets() })
  }
  await heal()
  const stage = {
    env: { SMTP_PASS: login.password, KUBERNETES_TOKEN: token },
    config: configOf({ app: at('app'), relay: relay.port, kubernetes: port }),
    write,
    heal,
    stopKubernetes: () => kubernetes.close(),
    async edit(from: string | RegExp, to: string) {
      const text = await readFile(at('app/.env'), 'utf8')
      const edited = text.replace(from, to)
      if (edited === text) throw new Error('nothing to edit')
      await write('app/.env', edited)
    },
    async stop() {
      await Promise.all([relay.close(), kubernetes.close()])
      await removeFolder(folder)
    },
  }
  return extend(stage, {
    get kubernetes() {
      return kubernetes
    },
  })
}

const configOf = (at: { app: string; relay: number; kubernetes: number }): string => `
kubernetes: { url: "http://127.0.0.1:${at.kubernetes}", token: { env: KUBERNETES_TOKEN } }
smtp:
  - { name: relay, host: 127.0.0.1, port: ${at.relay}, security: none, user: ${login.user}, password: { env: SMTP_PASS } }
settings:
  - name: env file
    from: { dotenv: ${at.app}/.env }
    expect:
      SMTP_HOST: mail-core-01
      SMTP_PORT: 587
      SMTP_USER: postmaster@keybuzz.io
      SMTP_PASS: { present: true }
      SMTP_FROM: { equals: noreply@keybuzz.io, optional: true }
  - name: cluster
    from: { kubernetes: { namespace: keybuzz, secret: app } }
    expect: { SMTP_HOST: mail-core-01, SMTP_PASS: { present: true } }
packages:
  - name: app
    folder: ${at.app}
    require: [nodemailer, "@aws-sdk/client-ses"]
    forbid: [{ file: ${stubFile}, pattern: SES not implemented }]
mail:
  - name: app
    write_path: []
`
