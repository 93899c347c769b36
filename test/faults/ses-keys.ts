/** Keys that are not those of a user with all rights in the environment: temporary, out of a file, of a monitor. */
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { accessKeyOf } from '../servers/ses-double.ts'
import type { Area, Fault } from './fault.ts'
import { proven, sesFails, sesIsUnknown, startAskedStage, turned, withEnv, type AskedStage } from './ses-asked-stage.ts'
import { deny, keyOf, keys } from './ses-service.ts'

const temporary = {
  id: accessKeyOf(undefined, 'ASIA'),
  secret: 'b8Xs/Lq3Wv6Tn1Zk9Rd4Ym7Gc2Hp5Fj0Ei+Ua1So',
  token: 'IQoJb3JpZ2luX2VjEJ7//////////wEaCWV1LXdlc3QtMSJHMEUCIQDmailpathFaultMatrix',
}

/** Keys that an application got of AWS for some hours. */
export const sesTemporary: Area<AskedStage> = {
  name: 'SES: temporary keys',
  start: () =>
    startAskedStage({
      target: { session_token: { env: 'SES_SESSION_TOKEN' } },
      env: { SES_ACCESS_KEY: temporary.id, SES_SECRET_KEY: temporary.secret, SES_SESSION_TOKEN: temporary.token },
      secrets: Object.values(temporary),
      prepare: double => double.keys.push({ ...temporary }),
    }),
  faults: [
    turned(
      'SES keys: the session token has expired',
      ({ double }) => (keyOf(double, temporary).expires = Date.now() - 1_000),
      sesFails('ses_token_expired', { reachable: 1, credentials_valid: 0, sending_enabled: null }),
    ),
    turned(
      'SES keys: the session token is that of other keys',
      withEnv({ SES_SESSION_TOKEN: temporary.token.replace('Fault', 'Other') }),
      sesFails('ses_key_unknown', { reachable: 1, credentials_valid: 0 }),
    ),
    turned(
      'SES keys: temporary, and without their session token',
      withEnv({ SES_SESSION_TOKEN: undefined }),
      sesFails('ses_malformed', { reachable: null, credentials_valid: null }),
    ),
  ],
}

/** The application may only send, and other keys may read. */
export const sesMonitor: Area<AskedStage> = {
  name: 'SES: read with keys of a monitor',
  start: () =>
    startAskedStage({
      target: { monitor: { access_key: { env: 'MONITOR_KEY' }, secret_key: { env: 'MONITOR_SECRET' } } },
      env: { MONITOR_KEY: keys.monitor.id, MONITOR_SECRET: keys.monitor.secret },
      prepare: double => (keyOf(double, keys.app).allows = ['ses:SendEmail']),
    }),
  faults: [
    turned(
      'SES monitor: sees that sending is paused',
      ({ double }) => (double.account['SendingEnabled'] = false),
      sesFails('ses_sending_paused', { ...proven, sending_enabled: 0 }),
    ),
    turned(
      'SES monitor: works, and the access key of the application was deleted',
      ({ double }) => (keyOf(double, keys.app).active = false),
      sesFails('ses_key_unknown', { reachable: 1, credentials_valid: 0 }),
    ),
    turned(
      'SES monitor: works, and the secret key of the application is wrong',
      withEnv({ SES_SECRET_KEY: keys.nobody.secret }),
      sesFails('ses_secret_wrong', { reachable: 1, credentials_valid: 0 }),
    ),
    turned(
      'SES monitor: is of another account',
      withEnv({ MONITOR_KEY: keys.foreign.id, MONITOR_SECRET: keys.foreign.secret }),
      sesIsUnknown('ses_monitor_of_other_account', proven),
    ),
    turned(
      'SES monitor: may not read the account either',
      ({ double }) => deny(double, keys.monitor, 'ses:GetAccount'),
      sesIsUnknown('ses_permission_missing', { ...proven, sending_enabled: null }),
    ),
    turned(
      'SES monitor: its secret key is wrong',
      withEnv({ MONITOR_SECRET: keys.nobody.secret }),
      sesIsUnknown('ses_permission_missing', { ...proven, sending_enabled: null }),
    ),
  ],
}

const iniFile = ({ folder }: AskedStage): string => path.join(folder, 'credentials')
const profile = (name: string, { id, secret }: { readonly id: string; readonly secret: string }): string =>
  `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`
const ofFile = (
  name: string,
  change: (stage: AskedStage) => Promise<void>,
  seen: Fault['seen'],
): Fault<AskedStage> => ({ name: `SES keys in a credentials file: ${name}`, inject: change, seen })

/** Keys in `~/.aws/credentials`. */
export const sesFile: Area<AskedStage> = {
  name: 'SES: keys in a credentials file',
  start: () =>
    startAskedStage({
      target: ({ folder }) => {
        const ini = (key: string) => ({ ini: path.join(folder, 'credentials'), section: 'mailer', key })
        return { access_key: ini('aws_access_key_id'), secret_key: ini('aws_secret_access_key') }
      },
      healed: stage => writeFile(iniFile(stage), `${profile('default', keys.nobody)}\n${profile('mailer', keys.app)}`),
    }),
  faults: [
    ofFile(
      'the profile is not there, another one is',
      stage => writeFile(iniFile(stage), profile('default', keys.app)),
      sesFails('ses_partial'),
    ),
    ofFile(
      'the secret key is not there',
      stage => writeFile(iniFile(stage), `[mailer]\naws_access_key_id = ${keys.app.id}\n`),
      sesFails('ses_partial'),
    ),
    ofFile(
      'the keys are those of another user by now, who was deleted',
      stage => writeFile(iniFile(stage), profile('mailer', keys.nobody)),
      sesFails('ses_key_unknown', { reachable: 1, credentials_valid: 0 }),
    ),
    ofFile('it is gone', stage => rm(iniFile(stage)), sesIsUnknown('ses_unreadable', { reachable: null })),
  ],
}
