import type { Reply } from './dialogue.ts'

/** What to do about a reply of a known provider or server. */
interface Advice {
  readonly says: RegExp
  readonly remedy: string
  /** Where it is documented. */
  readonly source: string
}

const takeOAuth = 'log in by OAuth: set `token` and `auth: xoauth2` here, and the same in the application'
const microsoft =
  'https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission'
const google = 'https://support.google.com/a/answer/3726730'
const ses = 'https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html'
const sendgrid = 'https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting'
const rfc4954 = 'https://www.rfc-editor.org/rfc/rfc4954#section-6'
const registry = 'https://www.iana.org/assignments/smtp-enhanced-status-codes'

/** The first match counts: what a provider says in words comes before the general meaning of its code. */
const table: readonly Advice[] = [
  // Microsoft 365
  {
    says: /^\d{3}[ -]5\.7\.139.*(?:basic authentication is disabled|SmtpClientAuthentication is disabled)/i,
    remedy: `No password helps: Microsoft 365 takes none for this mailbox or tenant. Best ${takeOAuth}. Or have its administrator switch Authenticated SMTP on for the mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false), while basic authentication is still allowed.`,
    source: microsoft,
  },
  {
    says: /^\d{3}[ -]5\.7\.139.*(?:security defaults|locked|conditional access|did not meet the criteria)/i,
    remedy: `A policy of Microsoft Entra (security defaults, Conditional Access, a locked account) refuses this login, whatever the password. Have its administrator look at the sign-in log of the user; best ${takeOAuth}.`,
    source: microsoft,
  },
  {
    says: /^\d{3}[ -]5\.7\.139.*(?:user )?credentials (?:were|are) incorrect/i,
    remedy: `The user or the password is wrong, or there is two-step verification: set the right ones, here and in the application. As Microsoft 365 retires passwords, best ${takeOAuth}.`,
    source: microsoft,
  },
  {
    says: /^\d{3}[ -]5\.7\.(?:139|30)\b/,
    remedy: `Microsoft 365 does not take this login with a password (basic authentication is being retired): ${takeOAuth}.`,
    source:
      'https://techcommunity.microsoft.com/blog/exchange/exchange-online-to-retire-basic-auth-for-client-submission-smtp-auth/4114750',
  },
  {
    says: /basic authentication (?:is )?(?:disabled|not supported|retired)/i,
    remedy: `The relay takes no passwords any more: ${takeOAuth}.`,
    source: microsoft,
  },
  {
    says: /^\d{3}[ -]5\.7\.57\b/,
    remedy:
      'Microsoft 365 wants a login before it takes mail: set user and `token` (or password), here and in the application.',
    source: microsoft,
  },
  {
    says: /^\d{3}[ -]5\.7\.60\b|SendAsDenied/i,
    remedy:
      'This login may not send as that address: let it (Send As, for the mailbox), or send as the mailbox itself.',
    source:
      'https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online',
  },
  {
    says: /^\d{3}[ -]5\.7\.3\b/,
    remedy: `Exchange refuses the login: the password is wrong, or SMTP AUTH is switched off for the mailbox. On Microsoft 365, ${takeOAuth}.`,
    source: microsoft,
  },
  // Google
  {
    says: /^\d{3}[ -]5\.7\.9\b.*(?:application-specific|InvalidSecondFactor)|application-specific password/i,
    remedy: `The password of the account is not taken: it has two-step verification. Create an app password and set that, or ${takeOAuth}.`,
    source: 'https://support.google.com/mail/?p=InvalidSecondFactor',
  },
  {
    says: /BadCredentials|Username and Password not accepted/i,
    remedy: `Google takes no password of an account, only an app password (16 letters): create one and set that, or ${takeOAuth}.`,
    source: 'https://support.google.com/mail/?p=BadCredentials',
  },
  {
    says: /WebLoginRequired|log in (?:via|with|through) your web browser/i,
    remedy:
      'Google holds this login for suspicious: log in as the user in a browser, and confirm it. Then use an app password.',
    source: google,
  },
  {
    says: /Too many (?:login|bad auth)|login attempts|AUTH005/i,
    remedy:
      'Too many logins in a short time: find what else logs in as this user, and how often; let `interval` be longer.',
    source: google,
  },
  {
    says: /WantAuthError/,
    remedy: 'The relay wants a login before it takes mail: set user and password, here and in the application.',
    source: google,
  },
  // Amazon SES
  {
    says: /Authentication Credentials Invalid/i,
    remedy:
      'Set the right password where it comes from. If this is Amazon SES: it takes SMTP credentials, and no access key of AWS; they are made for one region, which is in the host name; create new ones if they were deleted.',
    source: ses,
  },
  {
    says: /Email address is not verified/i,
    remedy:
      'Verify the sender (or its domain) in this region of Amazon SES. In the sandbox the recipient has to be verified too: ask for production access.',
    source: 'https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html',
  },
  {
    says: /Throttling failure|Maximum sending rate exceeded|Daily message quota exceeded/i,
    remedy: 'The quota of the account is used up: send more slowly, or have the quota raised.',
    source: 'https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html',
  },
  {
    says: /sending paused|account(?: has been| is)? (?:paused|suspended|blocked)/i,
    remedy: 'The provider has paused or closed the account: see its console and its messages.',
    source: ses,
  },
  {
    says: /Too many concurrent SMTP connections/i,
    remedy: 'Too many connections are open at the relay: let the application use fewer (`maxConnections` of its pool).',
    source: ses,
  },
  // Others
  {
    says: /Maximum credits exceeded/i,
    remedy: 'The plan of the account has no messages left: see the account at the provider (SendGrid).',
    source: sendgrid,
  },
  {
    says: /Bad username \/ password|not authorized to send from that email|verified Sender Identity/i,
    remedy:
      'If this is SendGrid: the user is the word `apikey` and the password is the key itself, with the right Mail Send; the sender has to be a verified Sender Identity.',
    source: sendgrid,
  },
  {
    says: /unauthori[sz]ed IP|IP(?: address)? (?:is )?not authori[sz]ed|not (?:in|on) (?:the )?allow(?:ed)? ?list/i,
    remedy: 'Allow the address of this machine, and of the application, in the account at the provider.',
    source: 'https://help.brevo.com/hc/en-us/articles/5740111683346',
  },
  {
    says: /Domain .*not allowed to send/i,
    remedy: 'The provider has disabled the domain, or has not verified it: see the domain in its console.',
    source: 'https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp',
  },
  // Texts that many servers share
  {
    says: /relay(?:ing)? (?:access )?denied|unable to relay|not permitted to relay/i,
    remedy:
      'This client may not send to others there: set user and password (or `token`), here and in the application, or let the relay take its address (Postfix: mynetworks).',
    source: 'https://www.postfix.org/SMTPD_ACCESS_README.html',
  },
  {
    says: /Client host rejected|cannot find your/i,
    remedy:
      'The relay refuses the address of this client: give it a name in DNS, there and back (PTR and A), or let the relay take it. An application on another machine has another address.',
    source: 'https://www.postfix.org/postconf.5.html#reject_unknown_client_hostname',
  },
  {
    says: /not owned by user|Sender address rejected: not logged in/i,
    remedy:
      'This login may not send as that address: add it at the relay (Postfix: smtpd_sender_login_maps), or send as the address of the login.',
    source: 'https://www.postfix.org/postconf.5.html#reject_sender_login_mismatch',
  },
  {
    says: /Sender address rejected: Domain not found/i,
    remedy:
      'The domain of the sender has neither MX nor A in DNS, as the relay sees it: heal that, or send as another.',
    source: 'https://www.postfix.org/postconf.5.html#reject_unknown_sender_domain',
  },
  // By code alone
  {
    says: /^538\b|^\d{3}[ -]5\.7\.11\b/,
    remedy: 'This mechanism is only taken over TLS: use `security: starttls` or `tls`, here and in the application.',
    source: rfc4954,
  },
  {
    says: /^534\b|^\d{3}[ -]5\.7\.9\b/,
    remedy:
      'The relay holds this mechanism for too weak for this user: set a stronger one (`auth`), or an app password.',
    source: rfc4954,
  },
  {
    says: /^432\b|^\d{3}[ -]4\.7\.12\b/,
    remedy: 'The relay wants this user to log in with PLAIN once, or to change the password: set `auth: plain`.',
    source: rfc4954,
  },
  {
    says: /^525\b|^\d{3}[ -]5\.7\.13\b/,
    remedy: 'The account is disabled at the relay: have it enabled, or use another.',
    source: registry,
  },
  {
    says: /^421\b|too many (?:connections|errors)|rate limit/i,
    remedy:
      'The relay limits clients, or is not ready: wait, and read what it says. If it stays, see its log and its limits.',
    source: registry,
  },
  {
    says: /^\d{3}[ -]4\.3\.\d/,
    remedy: 'The relay itself is broken (4.3.x): see its log, its disk and the services it asks.',
    source: 'https://www.rfc-editor.org/rfc/rfc3463#section-3.4',
  },
]

/** What to do about a refusal, if more is known than the general meaning of its code. */
export const adviceFor = ({ text }: Reply): string | undefined => {
  const words = inOnePiece(text)
  return table.find(({ says }) => says.test(words))?.remedy
}

/** Joins a sentence that goes over several lines, each of which begins with the codes. */
function inOnePiece(text: string): string {
  const [codes] = /^\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} )?/.exec(text) ?? ['']
  const again = codes.replace('-', ' ')
  return again.trim() === '' ? text : text.replaceAll(` ${again}`, ' ').replaceAll(` ${again.replace(' ', '-')}`, ' ')
}

/** For the test that each source is an address. */
export const sources: readonly string[] = table.map(({ source }) => source)
