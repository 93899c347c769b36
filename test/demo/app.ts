import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseDotenv } from '../../src/references/dotenv.ts'
import { stub } from './config.ts'

/** A `.env` file that is changed while the exporter reads it. */
interface EnvFile {
  readonly path: string
  get(name: string): string | undefined
  /** Undefined takes the setting out. In one step, as seen by readers. */
  set(name: string, value: string | undefined): void
}

/** The backend's folder on its host: its settings, what is installed, and its deployed code. */
export interface App {
  readonly folder: string
  readonly env: EnvFile
  /** Deploys the code, with the SES sender a stub or without one. */
  deploy(code: { readonly stub: boolean }): void
  /** Whether the deployed code has the stub. */
  readonly stub: boolean
}

const installed = { nodemailer: '6.9.16', '@aws-sdk/client-ses': '3.716.0' } as const

/** Makes the folder, with the stub. */
export function createApp(folder: string, settings: Readonly<Record<string, string>>): App {
  const manifest = { name: 'keybuzz-backend', version: '2.4.1', private: true, dependencies: installed }
  write(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
  for (const [name, version] of Object.entries(installed))
    write(path.join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, version }))
  let isStub = true
  const app: App = {
    folder,
    env: envFile(path.join(folder, '.env'), settings),
    deploy: code => {
      isStub = code.stub
      write(path.join(folder, stub.file), code.stub ? withStub : withoutStub)
    },
    get stub() {
      return isStub
    },
  }
  app.deploy({ stub: true })
  return app
}

const withStub = `export async function sendEmail(message) {
  if (process.env.EMAIL_PROVIDER === 'ses') {
    console.warn('${stub.pattern}, falling back to SMTP')
  }
  return transport.sendMail(message)
}
`
const withoutStub = `export async function sendEmail(message) {
  return transport.sendMail(message)
}
`

function envFile(file: string, settings: Readonly<Record<string, string>>): EnvFile {
  const all = new Map(Object.entries(settings))
  const save = (): void => write(file, [...all].map(([name, value]) => `${name}=${value}\n`).join(''))
  save()
  return {
    path: file,
    get: name => parseDotenv(readFileSync(file, 'utf8'))[name],
    set(name, value) {
      if (value === undefined) all.delete(name)
      else all.set(name, value)
      save()
    },
  }
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
