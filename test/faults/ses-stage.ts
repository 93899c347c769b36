import { freePort } from '../servers/ports.ts'
import { startSmtp } from '../servers/smtp.ts'
import type { Stage } from './fault.ts'
import { intervalMs } from './runner.ts'

/**
 * An application whose settings are the environment of the exporter, with a relay and SES as its two ways out. SES is not
 * asked (`verify: false`).
 */
export interface SesStage extends Stage {
  /** Sets variables, or takes them away. */
  set(variables: Record<string, string | undefined>): void
  /** Nobody listens at the relay any more. */
  stopRelay(): Promise<void>
}

export const variables = { access_key: 'SES_ACCESS_KEY', secret_key: 'SES_SECRET_KEY', region: 'SES_REGION' } as const
export const settingNames = ['access_key', 'secret_key', 'region'] as const
export const well = {
  [variables.access_key]: 'AKIA2E0A8F3B244C9986',
  [variables.secret_key]: 'q8Zt0pLm3Vx7Rk1Wc5Yd9Hb2Nf6Js4Ga/Ue+To0P',
  [variables.region]: 'eu-west-1',
}
const login = { user: 'postmaster@keybuzz.io', password: 'hunter2-hunter2' }

interface Options {
  readonly provider: 'smtp' | 'ses'
  readonly implemented: boolean
  readonly relay: boolean
  /** Left out, nothing is said of it. */
  readonly fallback?: 'smtp' | 'none'
}

export async function startSesStage({ provider, implemented, relay, fallback }: Options): Promise<SesStage> {
  const port = await freePort()
  const startRelay = () => startSmtp({ port, security: 'none', users: { [login.user]: login.password } })
  let running = relay ? await startRelay() : undefined
  const normal = { ...well, EMAIL_PROVIDER: provider, SMTP_PASS: login.password }
  const env: Record<string, string | undefined> = { ...normal }
  const smtp = `
smtp:
  - { name: relay, host: 127.0.0.1, port: ${port}, security: none, user: ${login.user}, password: { env: SMTP_PASS } }`
  const keys = settingNames.map(name => `    ${name}: { env: ${variables[name]} }`)
  return {
    env,
    config: `${relay ? smtp : ''}
ses:
  - name: app
${keys.join('\n')}
    implemented: ${implemented}
    verify: false
    interval: ${intervalMs}ms
mail:
  - name: app
    provider: { env: EMAIL_PROVIDER }${fallback === undefined ? '' : `\n    fallback: ${fallback}`}
    write_path: []
`,
    set: wanted => void Object.assign(env, wanted),
    async stopRelay() {
      const old = running
      running = undefined
      await old?.close()
    },
    async heal() {
      Object.assign(env, normal)
      if (relay) running ??= await startRelay()
    },
    async stop() {
      await running?.close()
    },
  }
}
