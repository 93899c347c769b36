/** Keys of the exporter's own role. A role that gives none says nothing of the application: that is unknown, never `fail`. */
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePort } from '../servers/ports.ts'
import type { SesKnobs } from '../servers/ses-double.ts'
import type { Area, Fault } from './fault.ts'
import {
  proven,
  sesFails,
  sesIsUnknown,
  startAskedStage,
  turned,
  type AskedOptions,
  type AskedStage,
} from './ses-asked-stage.ts'

const arn = 'arn:aws:iam::123456789012:role/mailer'
const tokens = { container: 'container-authorization-token', service: 'eyJhbGciOiJSUzI1NiJ9.service-account.signature' }
/** So short that they are renewed in nearly each run: a role that gives no more is seen soon. */
const lifeMs = 2_500

const unusable = sesIsUnknown('ses_role_unusable', { credentials_valid: null, sending_enabled: null })
const paused = sesFails('ses_sending_paused', { ...proven, sending_enabled: 0 })

/** The variables that AWS sets where it gives a role. */
type Given = NonNullable<AskedOptions['env']>

const byRole = (
  kind: 'container' | 'web_identity' | 'instance',
  env: Given,
  faults: Area<AskedStage>['faults'],
  healed?: (stage: AskedStage) => Promise<void>,
): Area<AskedStage> => ({
  name: `SES: read with the role of the exporter (${kind})`,
  start: () =>
    startAskedStage({
      target: { access_key: undefined, secret_key: undefined, credentials: kind },
      env,
      // Keys in the clear come only from this machine.
      tls: false,
      secrets: Object.values(tokens),
      prepare: double => (double.role.lifeMs = lifeMs),
      ...(healed && { healed }),
    }),
  faults,
})

/** What gives out the keys answers in another way. */
const role = (name: string, change: Partial<SesKnobs['role']>, seen = unusable): Fault<AskedStage> =>
  turned(`SES role: ${name}`, ({ double }) => Object.assign(double.role, change), seen)

/** Nobody listens there. */
const leadsNowhere = (name: string, variable: string): Fault<AskedStage> => ({
  name: `SES role: ${name}`,
  async inject({ env }) {
    env[variable] = `http://127.0.0.1:${await freePort()}/v1/credentials`
  },
  seen: unusable,
})

const ofContainer = byRole(
  'container',
  ({ url }) => ({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: tokens.container,
  }),
  [
    role('the container has none', { container: 'not_found' }),
    role('EKS may not assume that of the container', { container: 'denied' }),
    leadsNowhere('the agent of the container is down', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'),
    {
      name: 'SES role: the container was started without one',
      inject: ({ env }) => Promise.resolve(void (env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = undefined)),
      seen: unusable,
    },
    role(
      'that of the container may not read the account',
      { allows: ['ses:SendEmail'] },
      sesIsUnknown('ses_permission_missing', { ...proven, sending_enabled: null }),
    ),
    turned(
      'SES role: that of the container works, and sending is paused',
      ({ double }) => (double.account['SendingEnabled'] = false),
      paused,
    ),
  ],
)

const tokenFile = (folder: string): string => path.join(folder, 'token')

const ofServiceAccount = byRole(
  'web_identity',
  ({ folder, url }) => ({
    AWS_ROLE_ARN: arn,
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile(folder),
    AWS_ENDPOINT_URL_STS: url,
  }),
  [
    role('the token of the service account has expired', { sts: 'ExpiredTokenException' }),
    role('the service account may not assume it', { sts: 'AccessDenied' }),
    {
      name: 'SES role: the token of another service account',
      inject: ({ folder }) => writeFile(tokenFile(folder), `${tokens.service}-of-another`),
      seen: unusable,
    },
    {
      name: 'SES role: the token of the service account is gone',
      inject: ({ folder }) => rm(tokenFile(folder)),
      seen: unusable,
    },
    leadsNowhere('STS cannot be reached', 'AWS_ENDPOINT_URL_STS'),
    turned(
      'SES role: that of the service account works, and sending is paused',
      ({ double }) => (double.account['SendingEnabled'] = false),
      paused,
    ),
  ],
  ({ folder }) => writeFile(tokenFile(folder), tokens.service),
)

const ofInstance = byRole('instance', ({ url }) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }), [
  role('the metadata of the instance are switched off', { metadata: 'off' }),
  role('the instance has none', { metadata: 'no_role' }),
  role('EC2 may not assume that of the instance', { metadata: 'unauthorized' }),
  role('the metadata of the instance give no token (version 1)', { metadata: 'v1_only' }),
  leadsNowhere('the metadata of the instance cannot be reached', 'AWS_EC2_METADATA_SERVICE_ENDPOINT'),
])

export const sesRoles = [ofContainer, ofServiceAccount, ofInstance]
