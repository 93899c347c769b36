import { reasonsOf, type ReasonSpec } from '../../core/probe.ts'

/** Errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html */
export const reasons = {
  ses_absent: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'None of the SES settings is set: there is no second way out for mail.',
    remedy: 'Set access key, secret key and region if SES is meant as a second way out; else take the target out.',
  },
  ses_stub: {
    verdict: 'warn',
    severity: 'low',
    meaning: "The application's SES sender is a stub: nothing leaves by SES, whatever its settings are.",
    remedy: 'Implement the sender, deploy it, and take `implemented: false` out of the configuration.',
  },
  ses_partial: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'Some of the SES settings are set and some are not: the application cannot send through SES.',
    remedy: 'Set those that are missing where the application takes them from, and restart it.',
  },
  ses_malformed: {
    verdict: 'fail',
    severity: 'medium',
    meaning: 'An SES setting has a value that SES cannot accept.',
    remedy: 'Put the real value there: an IAM access key, its secret key, and the region in which SES is set up.',
  },
  ses_unreadable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'An SES setting could not be read, so nothing is known of it.',
    remedy: 'Make the source named readable to the exporter, or correct the value where it comes from.',
  },
  ses_not_verified: {
    verdict: 'unknown',
    severity: 'low',
    meaning:
      'The SES settings are complete and well-formed, but SES itself was not asked (`verify: false`), so nothing is proven.',
    remedy:
      'Take `verify: false` out, so that SES is asked. Or send a test mail through SES by hand (to success@simulator.amazonses.com) before you rely on it.',
  },
  ses_key_unknown: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'AWS does not know the access key in this region: it was deleted or made inactive, is of another partition, or is a temporary key without its session token. Or the region is not enabled for the account.',
    remedy:
      'In IAM, look whether the key exists and is active. If it is, look whether the account has the region enabled (aws account get-region-opt-status). Else make a new key, and set it where the application takes it from.',
  },
  ses_secret_wrong: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'AWS knows the access key, and the secret key is not that of this access key.',
    remedy:
      'Set the secret key that belongs to the access key. It can be seen only when a key is made, so make a new pair if it is lost.',
  },
  ses_clock_skewed: {
    verdict: 'unknown',
    severity: 'high',
    meaning:
      'AWS refuses the signature because the clock of the exporter is too far off. The clock of the application may be right.',
    remedy:
      'Set the clock of the host of the exporter (chronyc tracking, timedatectl). If it is also the host of the application, its mails are refused too.',
  },
  ses_clock_off: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'The clock of the exporter is more than 60 s off that of SES. AWS refuses signatures from 5 minutes on.',
    remedy: 'Set the clock of the host of the exporter (chronyc tracking, timedatectl), and that of the application.',
  },
  ses_token_expired: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The session token of the application has expired: its temporary keys are no longer taken.',
    remedy:
      'Renew the temporary keys where the application takes them from. If nothing renews them by itself, use keys of an IAM user, or a role.',
  },
  ses_role_unusable: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The exporter got no keys for its role (`credentials`), or AWS does not take them. This says nothing of the role of the application.',
    remedy:
      'See what is named: the trust policy of the role, the token file, or the metadata endpoint (in a container, the hop limit of the instance has to be 2).',
  },
  ses_permission_missing: {
    verdict: 'unknown',
    severity: 'low',
    meaning:
      'Access key and secret key are right: AWS checked the signature. But they may not read what shows whether SES would take mail.',
    remedy:
      'Allow the action named for these keys, or give keys that may read the account under `monitor`. docs/ses.md has the policy.',
  },
  ses_statistics_denied: {
    verdict: 'warn',
    severity: 'low',
    meaning: 'The keys may not read the statistics or the suppression list, so bounces and complaints are not watched.',
    remedy: 'Allow the action named (docs/ses.md has the policy), or give keys that may under `monitor`.',
  },
  ses_monitor_of_other_account: {
    verdict: 'unknown',
    severity: 'medium',
    meaning:
      'The keys under `monitor` are of another AWS account than those of the application, so what they read proves nothing.',
    remedy: 'Give keys of the account of the application under `monitor`.',
  },
  ses_sender_not_said: {
    verdict: 'unknown',
    severity: 'low',
    meaning:
      'The keys and the account are right, but `from` is not set, so whether SES takes the sender of the application is not known.',
    remedy: 'Set `from` to the address the application sends from.',
  },
  ses_region_disabled: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The AWS account is not signed up for SES in this region, or the region is not enabled for it.',
    remedy: 'Enable the region for the account, or correct `region` where the application takes it from.',
  },
  ses_sending_paused: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Sending is paused for the whole account in this region: SES refuses every mail.',
    remedy:
      'Find out who paused it (an alarm on bounces, a colleague, AWS), fix the cause, then switch it on: aws sesv2 put-account-sending-attributes --sending-enabled.',
  },
  ses_account_shut_down: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'AWS has shut down sending for the account.',
    remedy: 'Answer the case in the AWS Support Center. Until it is settled, send by another way.',
  },
  ses_account_under_review: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'AWS has the account under review (probation): if nothing changes, sending is paused.',
    remedy: 'Read the mail of AWS on it, fix what it names (bounces, complaints, content), and answer the case.',
  },
  ses_sandbox: {
    verdict: 'fail',
    severity: 'high',
    meaning:
      'The account is in the sandbox: SES sends only to verified addresses, 200 mails a day, one a second. Others are refused.',
    remedy:
      'Request production access in the SES console, for this region. If the sandbox is meant, set `sandbox: true`.',
  },
  ses_quota_exhausted: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'As many mails were sent in the last 24 hours as the quota allows: SES refuses the next one.',
    remedy: 'Find out what sends that much. If it is meant, request a higher quota (Service Quotas); else stop it.',
  },
  ses_quota_low: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'More of the 24-hour quota is used than `quota_warning` allows (80 % if it is not set).',
    remedy: 'See what sends that much, and request a higher quota (Service Quotas) before it is used up.',
  },
  ses_identity_missing: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'SES has no identity for the sender in this region: not the address, not its domain, and no domain above. Most often it is in another region.',
    remedy: 'Verify the domain of `from` in the region the application uses, or correct `region`.',
  },
  ses_identity_not_verified: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The identity of the sender is not verified, so SES refuses its mail.',
    remedy: 'Put the DNS records that SES shows for this identity into the zone of the domain, as they are.',
  },
  ses_identity_inherited: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'The address has an identity of its own that is not verified, and a configuration set is used. The verified domain covers only simple mails of it.',
    remedy: 'Verify the address as well, or delete its own identity, so that that of the domain counts.',
  },
  ses_dkim_off: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'SES signs no mail of this identity with DKIM: receivers trust it less, or refuse it.',
    remedy: 'Switch DKIM on for the identity (Easy DKIM), and put its three CNAME records into the zone.',
  },
  ses_dkim_failing: {
    verdict: 'warn',
    severity: 'high',
    meaning: 'SES does not find the DKIM records of the identity in DNS: mail leaves unsigned, now or soon.',
    remedy: 'Put the DKIM records that SES shows for the identity into the zone, as they are.',
  },
  ses_mail_from_failing: {
    verdict: 'fail',
    severity: 'critical',
    meaning:
      'SES does not find the MX record of the custom MAIL FROM domain, and is set to refuse mail then (REJECT_MESSAGE).',
    remedy:
      'Put the MX and SPF records of the MAIL FROM domain into the zone. Until then set the behavior to USE_DEFAULT_VALUE.',
  },
  ses_mail_from_default: {
    verdict: 'warn',
    severity: 'medium',
    meaning:
      'SES does not find the MX record of the custom MAIL FROM domain, and uses amazonses.com in its place: SPF is no longer aligned.',
    remedy: 'Put the MX and SPF records of the MAIL FROM domain into the zone.',
  },
  ses_configuration_set_missing: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'SES has no configuration set of this name in this region, and refuses mail that names it.',
    remedy: 'Make it, or correct the name where the application takes it from.',
  },
  ses_configuration_set_paused: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'Sending is paused for the configuration set: SES refuses mail that names it.',
    remedy:
      'Find out who paused it, fix the cause, then switch it on: aws sesv2 put-configuration-set-sending-options --sending-enabled.',
  },
  ses_recipient_suppressed: {
    verdict: 'warn',
    severity: 'medium',
    meaning: 'An address of `recipients` is on the suppression list: SES takes mail to it and does not deliver it.',
    remedy: 'See why it bounced or complained, then take it off the list: aws sesv2 delete-suppressed-destination.',
  },
  ses_bounces_high: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Of the mails of the last 24 hours at least 2.5 % bounced. AWS reviews an account from 5 % on, and pauses it from 10 % on.',
    remedy: 'Find out which addresses bounce, and stop sending to them.',
  },
  ses_complaints_high: {
    verdict: 'warn',
    severity: 'high',
    meaning:
      'Of the mails of the last 24 hours at least 0.05 % brought a complaint. AWS reviews an account from 0.1 % on, and pauses it from 0.5 % on.',
    remedy: 'Find out which mails people call spam, and send them only to those who asked for them.',
  },
  ses_throttled: {
    verdict: 'unknown',
    severity: 'low',
    meaning: 'SES refuses our requests because there are too many, and what it said before is too old by now.',
    remedy: 'See what else asks the SES API in this account. The exporter asks less often by itself.',
  },
  ses_unreachable: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'No connection to SES: refused, no route, or the name does not resolve.',
    remedy:
      'Open the way out to the address named (port 443). If the name does not resolve: there may be no SES in this region. A proxy of the environment is not used.',
  },
  ses_no_answer: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'SES took the connection or the request and did not answer in time.',
    remedy: 'See whether a firewall drops the packets, and whether AWS reports trouble with SES in this region.',
  },
  ses_certificate_invalid: {
    verdict: 'fail',
    severity: 'critical',
    meaning: 'The certificate of SES does not verify: something in between breaks TLS open, or `endpoint` is wrong.',
    remedy: 'Correct `endpoint`. If a proxy that breaks TLS open is meant, set `ca_file` to its authority.',
  },
  ses_error: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'SES answered with an error that says nothing of keys or account, or its answer lacks what was asked for.',
    remedy: 'If it lasts, see whether AWS reports trouble with SES in this region.',
  },
  ses_not_ses: {
    verdict: 'unknown',
    severity: 'medium',
    meaning: 'What answered is not SES: a proxy, a captive portal, or another service.',
    remedy: 'Correct `endpoint` or `region`, and see what stands between the exporter and SES.',
  },
} as const satisfies Record<string, ReasonSpec>
export const reason = reasonsOf(reasons)
export type Reason = ReturnType<typeof reason>
