/** A real Postfix with logins out of a Cyrus sasldb, on four ports that differ in their TLS. Needs root. */
import { certificates } from './certificates.ts'
import { pem, startInstance, type PostfixInstance } from './postfix-instance.ts'
import { freePort } from './processes.ts'
import { type Login } from './postgres-session.ts'

export { postfixBinary, postfixInstall } from './postfix-instance.ts'

export interface Postfix extends PostfixInstance {
  readonly host: string
  readonly ports: {
    /** AUTH is offered after STARTTLS only. */
    starttls: number
    /** No TLS at all; AUTH in clear. */
    plain: number
    /** As `starttls`, with a certificate that has expired. */
    expired: number
    /** TLS from the first byte. */
    tls: number
    /** As `starttls`, for clients with a certificate only. */
    clients: number
    /** As `clients`, TLS from the first byte. */
    clientsTls: number
    /** Behind postscreen, which begins to greet and then waits for two seconds; no TLS. */
    postscreen: number
  }
  readonly login: Login
  /** The authority to trust. */
  readonly ca: string
}

const host = '127.0.0.1'

const mainCf = (folder: string): string => `myhostname = localhost
mynetworks = 127.0.0.2/32
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_tls_chain_files = ${folder}/etc/good.pem
smtpd_tls_CAfile = ${folder}/etc/ca.pem
postscreen_greet_wait = 2s
postscreen_greet_banner = please wait
smtpd_tls_loglevel = 1
default_transport = discard
local_transport = discard
`

function masterCf(folder: string, ports: Postfix['ports']): string {
  const { starttls, plain, expired, tls, clients, clientsTls, postscreen } = ports
  const starttlsOptions = '-o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes'
  return `${host}:${starttls} inet n - n - - smtpd
  ${starttlsOptions} -o syslog_name=starttls
${host}:${plain} inet n - n - - smtpd
  -o smtpd_tls_security_level=none -o syslog_name=plain
${host}:${expired} inet n - n - - smtpd
  ${starttlsOptions} -o smtpd_tls_chain_files=${folder}/etc/expired.pem -o syslog_name=expired
${host}:${tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt -o syslog_name=tls
${host}:${clients} inet n - n - - smtpd
  ${starttlsOptions} -o smtpd_tls_req_ccert=yes -o syslog_name=clients
${host}:${clientsTls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt -o smtpd_tls_req_ccert=yes -o syslog_name=clientsTls
${host}:${postscreen} inet n - n - 1 postscreen
  -o smtpd_tls_security_level=none
smtpd pass - - n - - smtpd
  -o smtpd_tls_security_level=none -o smtpd_client_restrictions=permit
dnsblog unix - - n - 0 dnsblog
`
}

export async function startPostfix({
  login = { user: 'probe', password: 'secret' },
}: { login?: Login } = {}): Promise<Postfix> {
  const ports = {
    starttls: await freePort(),
    plain: await freePort(),
    expired: await freePort(),
    tls: await freePort(),
    clients: await freePort(),
    clientsTls: await freePort(),
    postscreen: await freePort(),
  }
  const { ca, good, expired } = await certificates()
  const instance = await startInstance('postfix', {
    main: mainCf,
    services: folder => masterCf(folder, ports),
    files: { 'good.pem': pem(good), 'expired.pem': pem(expired), 'ca.pem': ca },
    ports: Object.values(ports),
    login,
  })
  return { ...instance, host, ports, login, ca }
}
