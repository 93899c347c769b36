/**
 * The route of a mail, all of it real: a relay (Postfix) that signs by DKIM, the mail server of the receiver (Postfix) that
 * checks SPF, DKIM and DMARC and writes Authentication-Results, and its mailboxes (Dovecot, by LMTP). Needs root.
 */
import { networkInterfaces } from 'node:os'
import { certificates } from './certificates.ts'
import { startDnsDouble, type DnsDouble, type DnsRow } from './dns-double.ts'
import { dovecotBinary, dovecotInstall, startDovecot, type Dovecot } from './dovecot.ts'
import { startPolicyServer, type PolicyServer } from './policy.ts'
import { pem, postfixBinary, postfixInstall, startInstance, type PostfixInstance } from './postfix-instance.ts'
import { type Login } from './postgres-session.ts'
import { freePort } from './processes.ts'
import { rspamdBinary, rspamdInstall, startRspamd, type Rspamd } from './rspamd.ts'

export const routeInstall = [postfixInstall, dovecotInstall, rspamdInstall].join('; ')

/** Something, when this machine and this user can run all of it. */
export const routeBinary = (): string | undefined => postfixBinary() && dovecotBinary() && rspamdBinary()

/** Domains of senders, by what a receiver finds in their mail. */
export const senders = {
  good: 'app.example.com',
  unsigned: 'unsigned.example.com',
  /** The key in DNS is another one. */
  rotated: 'rotated.example.com',
  /** SPF allows no host. */
  foreign: 'foreign.example.com',
} as const
/** The domain of the mailboxes, also a good sender. */
export const boxDomain = 'box.example.net'
const selector = 'mailpath'
/** Whose Authentication-Results those of the receiver are. */
export const authservId = `mx.${boxDomain}`

export interface MailServer extends PostfixInstance {
  readonly port: number
  /** Decides about its commands of SMTP, before all that Postfix looks at itself. */
  readonly policy: PolicyServer
  /** From now on these lines are in its main.cf as well; none: as at the start. Without a change it is not reloaded. */
  readonly configure: (...lines: string[]) => Promise<void>
  /** Tries to deliver all that waits, now. */
  readonly flush: () => Promise<void>
  /** Stops all of it: connections are accepted, and nothing is said. */
  readonly pause: () => void
  readonly resume: () => void
}

export interface MailRoute {
  /** Takes mail on STARTTLS from `login`. */
  readonly relay: MailServer
  readonly receiver: MailServer
  readonly dovecot: Dovecot
  readonly dns: DnsDouble
  readonly rspamd: Rspamd
  readonly login: Login
  readonly ca: string
  stop: () => Promise<void>
}

interface RouteOptions {
  readonly login?: Login
  /** Password by address at `boxDomain`. */
  readonly mailboxes: Readonly<Record<string, string>>
}

const host = '127.0.0.1'
/** An address of this machine that is not its loopback, if it has one: the receiver listens there, too, without TLS. */
export const outside = Object.values(networkInterfaces())
  .flat()
  .find(one => one?.family === 'IPv4' && !one.internal)?.address

/** What waits is tried again each second. */
const common = (folder: string, policyPort: number, milterPort: number): string => {
  const policy = `check_policy_service inet:${host}:${policyPort}`
  return `smtpd_tls_chain_files = ${folder}/etc/good.pem
smtpd_delay_reject = no
smtpd_client_restrictions = ${policy}
smtpd_sender_restrictions = ${policy}
smtpd_recipient_restrictions = ${policy}
smtpd_data_restrictions = ${policy}
smtpd_end_of_data_restrictions = ${policy}
smtpd_milters = inet:${host}:${milterPort}
milter_default_action = accept
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_connection_cache_on_demand = no
lmtp_connection_cache_on_demand = no
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
notify_classes =
in_flow_delay = 0
`
}

async function startServer(
  name: string,
  main: (folder: string) => string,
  { port, ...more }: { port: number; milterPort: number; options: string; services?: string; login?: Login },
): Promise<MailServer> {
  const policy = await startPolicyServer()
  const { good } = await certificates()
  let added = ''
  const instance = await startInstance(name, {
    main: folder => common(folder, policy.port, more.milterPort) + main(folder),
    services: () => `${host}:${port} inet n - n - - smtpd\n  ${more.options}\n${more.services ?? ''}`,
    files: { 'good.pem': pem(good) },
    ports: [port],
    login: more.login,
  })
  return {
    ...instance,
    port,
    policy,
    async configure(...lines) {
      const more = [...lines, ''].join('\n')
      if (more === added) return
      await instance.rewrite('main.cf', text => text + more)
      added = more
    },
    async flush() {
      await instance.run('postqueue', ['-f'])
    },
    pause: () => process.kill(-instance.process.pid, 'SIGSTOP'),
    resume: () => process.kill(-instance.process.pid, 'SIGCONT'),
    async stop() {
      await instance.stop()
      await policy.stop()
    },
  }
}

export async function startMailRoute({
  login = { user: 'probe', password: 'secret' },
  mailboxes,
}: RouteOptions): Promise<MailRoute> {
  const dns = await startDnsDouble()
  const signed = [senders.good, senders.rotated, senders.foreign, boxDomain]
  const [rspamd, dovecot] = await Promise.all([
    startRspamd({ dnsPort: dns.port, signed, selector, authservId }),
    startDovecot({ users: mailboxes }),
  ])
  dns.serve(records(rspamd.record))
  const milterPort = rspamd.port
  const receiverPort = await freePort()
  const [relay, receiver] = await Promise.all([
    startServer(
      'relay',
      () => `myhostname = relay.example.com
mynetworks = 127.0.0.2/32
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtp_tls_security_level = encrypt
relayhost = [${host}]:${receiverPort}
`,
      {
        port: await freePort(),
        milterPort,
        options: '-o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes',
        login,
      },
    ),
    startServer(
      'receiver',
      () => `myhostname = ${authservId}
mynetworks = 127.0.0.2/32
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = ${boxDomain}
virtual_transport = lmtp:inet:${host}:${dovecot.ports.lmtp}
default_transport = discard
`,
      {
        port: receiverPort,
        milterPort,
        options: '-o smtpd_tls_security_level=may',
        services:
          outside === undefined
            ? ''
            : `${outside}:${receiverPort} inet n - n - - smtpd\n  -o smtpd_tls_security_level=none\n`,
      },
    ),
  ])
  return {
    relay,
    receiver,
    dovecot,
    dns,
    rspamd,
    login,
    ca: dovecot.ca,
    async stop() {
      await Promise.all([relay.stop(), receiver.stop(), dovecot.stop(), rspamd.stop()])
      await dns.close()
    },
  }
}

/** What a receiver asks DNS for. */
function records(key: string): Readonly<Record<string, DnsRow>> {
  const here = { text: `v=spf1 ip4:127.0.0.0/8 ${outside === undefined ? '' : `ip4:${outside} `}-all` }
  const keyOf = (domain: string): string => `${selector}._domainkey.${domain}`
  const domains = [...Object.values(senders), boxDomain]
  return {
    ...Object.fromEntries(domains.map(domain => [domain, here])),
    ...Object.fromEntries(domains.map(domain => [keyOf(domain), { text: key }])),
    ...Object.fromEntries(domains.map(domain => [`_dmarc.${domain}`, { text: 'v=DMARC1; p=none' }])),
    [senders.foreign]: { text: 'v=spf1 -all' },
    [keyOf(senders.rotated)]: { text: anotherKey },
  }
}

/** Of RFC 6376, appendix C. */
const anotherKey =
  'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB'
