import { startSmtp, type Smtp } from '../servers/smtp.ts'

const user = 'postmaster@keybuzz.io'

/** A relay that works, for stages in which something else breaks: without one mail is never ok. */
export interface Relay {
  /** The `smtp` section of the configuration. */
  readonly section: readonly object[]
  readonly env: { readonly RELAY_PASSWORD: string }
  readonly smtp: Smtp
}

export async function startRelay(): Promise<Relay> {
  const env = { RELAY_PASSWORD: 'relay-password' }
  const smtp = await startSmtp({ security: 'none', users: { [user]: env.RELAY_PASSWORD } })
  const relay = { name: 'relay', host: smtp.host, port: smtp.port, security: 'none' }
  return { section: [{ ...relay, user, password: { env: 'RELAY_PASSWORD' } }], env, smtp }
}
