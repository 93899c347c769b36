/** What an application sends with: the identity of its address, its configuration set, and whom it may reach. */
import type { Area } from './fault.ts'
import {
  proven,
  saying,
  sesFails,
  sesWarns,
  startAskedStage,
  turned,
  withEnv,
  type AskedStage,
} from './ses-asked-stage.ts'
import { configurationSet, recipient, remove, sender } from './ses-service.ts'
import { verifiedIdentity, type SesKnobs } from '../servers/ses-double.ts'

/** Changes the identity of the domain, which is the one that counts. */
const ofDomain =
  (change: Readonly<Record<string, unknown>>) =>
  ({ double }: { readonly double: SesKnobs }): void => {
    Object.assign(double.identities[sender.domain] ?? {}, change)
  }
const dkim = (SigningEnabled: boolean, Status: string) => ofDomain({ DkimAttributes: { SigningEnabled, Status } })
const mailFrom = (MailFromDomainStatus: string, BehaviorOnMxFailure: string) =>
  ofDomain({
    MailFromAttributes: { MailFromDomain: `bounce.${sender.domain}`, MailFromDomainStatus, BehaviorOnMxFailure },
  })

export const sesSender: Area<AskedStage> = {
  name: 'SES: identity, configuration set and recipients',
  start: () => startAskedStage(),
  faults: [
    turned(
      'SES identity: none for the address, its domain, or a domain above',
      ({ double }) => remove(double, 'identities', sender.domain),
      sesFails('ses_identity_missing', { ...proven, identity_verified: 0 }),
    ),
    turned(
      'SES identity: the application sends from another domain than the one that is verified',
      withEnv({ SES_FROM: 'no-reply@other.example' }),
      sesFails('ses_identity_missing', { ...proven, identity_verified: 0 }),
    ),
    turned(
      'SES identity: its verification is pending',
      ofDomain({ VerifiedForSendingStatus: false, VerificationStatus: 'PENDING' }),
      sesFails('ses_identity_not_verified', { ...proven, identity_verified: 0 }),
    ),
    turned(
      'SES identity: only a domain above is verified',
      ({ double }) => {
        double.identities[sender.parent] = double.identities[sender.domain] ?? {}
        remove(double, 'identities', sender.domain)
      },
      saying('ok', undefined, { ...proven, identity_verified: 1 }),
    ),
    turned(
      'SES DKIM: switched off',
      dkim(false, 'SUCCESS'),
      sesWarns('ses_dkim_off', { ...proven, identity_verified: 1 }),
    ),
    turned(
      'SES DKIM: its records are not in DNS',
      dkim(true, 'FAILED'),
      sesWarns('ses_dkim_failing', { ...proven, 'identity_dkim failed': 1, 'identity_dkim success': 0 }),
    ),
    turned(
      'SES DKIM: its records were not found of late',
      dkim(true, 'TEMPORARY_FAILURE'),
      sesWarns('ses_dkim_failing', { ...proven, 'identity_dkim temporary_failure': 1 }),
    ),
    turned(
      'SES DKIM: in a state that AWS has made up since',
      dkim(true, 'ROTATING'),
      saying('ok', undefined, { ...proven, 'identity_dkim success': 0, 'identity_dkim failed': 0 }),
    ),
    turned(
      'SES MAIL FROM: its MX record is missing, and mail is refused then',
      mailFrom('FAILED', 'REJECT_MESSAGE'),
      sesFails('ses_mail_from_failing', { ...proven, 'identity_mail_from failed': 1 }),
    ),
    turned(
      'SES MAIL FROM: its MX record is missing, and amazonses.com is used then',
      mailFrom('FAILED', 'USE_DEFAULT_VALUE'),
      sesWarns('ses_mail_from_default', { ...proven, 'identity_mail_from failed': 1 }),
    ),
    turned(
      'SES configuration set: deleted',
      ({ double }) => remove(double, 'configurationSets', configurationSet),
      sesFails('ses_configuration_set_missing', { ...proven, configuration_set_sending_enabled: null }),
    ),
    turned(
      'SES configuration set: sending is paused',
      ({ double }) => (double.configurationSets[configurationSet] = { SendingOptions: { SendingEnabled: false } }),
      sesFails('ses_configuration_set_paused', { ...proven, configuration_set_sending_enabled: 0 }),
    ),
    ...(['BOUNCE', 'COMPLAINT'] as const).map(reason =>
      turned(
        `SES suppression list: a recipient is on it (${reason})`,
        ({ double }) => (double.suppressed[recipient] = reason),
        sesWarns('ses_recipient_suppressed', proven),
      ),
    ),
  ],
}

/** The address has an identity of its own. */
export const sesAddress: Area<AskedStage> = {
  name: 'SES: the address is an identity as well',
  start: () =>
    startAskedStage({ prepare: double => (double.identities[sender.address] = verifiedIdentity('EMAIL_ADDRESS')) }),
  faults: [
    turned(
      'SES identity: that of the address is not verified, and a configuration set is used',
      ({ double }) => Object.assign(double.identities[sender.address] ?? {}, { VerifiedForSendingStatus: false }),
      sesWarns('ses_identity_inherited', { ...proven, identity_verified: 1 }),
    ),
    turned(
      'SES identity: that of the address was deleted, and its domain is verified',
      ({ double }) => remove(double, 'identities', sender.address),
      saying('ok', undefined, { ...proven, identity_verified: 1 }),
    ),
  ],
}

/** `sandbox: true` */
export const sesSandbox: Area<AskedStage> = {
  name: 'SES: in the sandbox, and meant to be',
  start: () => startAskedStage({ target: { sandbox: true } }),
  faults: [
    turned(
      'SES account: in the sandbox, which is said to be meant',
      ({ double }) => (double.account.ProductionAccessEnabled = false),
      saying('ok', undefined, { ...proven, production_access: 0 }),
    ),
  ],
}
