import { createTransport } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import wellKnown from 'nodemailer/lib/well-known'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { defaultHello } from '../../src/probes/smtp/hello.ts'
import { readUrl, type UrlPlan } from '../../src/probes/smtp/url.ts'

const services = (service: string) => {
  const known = wellKnown(service)
  return known === false ? (false as const) : { ...known }
}
const read = (url: string) => readUrl(url, services)

/** The facts of a plan that nodemailer has as well. */
const factsOf = ({ host, port, security, user = '', password = '', servername, verify = true, ...plan }: UrlPlan) => ({
  ...{ host, port, security, user, password, verify },
  // nodemailer itself sends no address as SNI; what is verified is the same.
  name: servername ?? host,
  hello: plan.hello ?? defaultHello(),
  method: plan.method === 'auto' ? '' : plan.method.toUpperCase(),
  force: plan.force,
  ...plan.waits,
  ...plan.tls,
})

interface Options {
  readonly tls?: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

/** The same out of nodemailer's own transport and connection. */
function nodemailersOwn(url: string): ReturnType<typeof factsOf> {
  const { options } = createTransport(url).transporter as unknown as { options: Options }
  const connection = new SMTPConnection(options)
  const { host, port, name: hello, secureConnection: secure } = connection as unknown as Record<string, unknown>
  const set = (connection as unknown as { options: Options }).options
  const auth = set['auth'] as { user: string; pass: string } | undefined
  const method = ((set['authMethod'] ?? '') as string | 0) || ''
  const given = (key: string) => (set[key] ? { [key]: set[key] } : {})
  return {
    host: String(host),
    port: Number(port),
    security: secure ? 'tls' : set['requireTLS'] ? 'starttls' : set['ignoreTLS'] ? 'none' : 'opportunistic',
    user: auth?.user ?? '',
    password: auth?.pass ?? '',
    verify: set.tls?.['rejectUnauthorized'] !== false,
    name: (set.tls?.['servername'] || set['servername'] || host) as string,
    hello: String(hello),
    method: method === 'XOAUTH2' ? '' : method.toUpperCase(),
    force: Boolean(set['forceAuth']),
    ...given('connectionTimeout'),
    ...given('greetingTimeout'),
    ...given('socketTimeout'),
    ...Object.fromEntries(
      ['minVersion', 'maxVersion', 'ciphers'].flatMap(key => (set.tls?.[key] ? [[key, set.tls[key]]] : [])),
    ),
  }
}

const auth = 'smtp://app:word@mail.example.com'
const understood = [
  'smtp://mail.example.com',
  'smtps://mail.example.com',
  'SMTP://Mail.Example.COM:2525',
  'smtp://mail.example.com:25\n',
  'smtp:mail.example.com:25',
  'smtp:app:word@mail.example.com',
  'smtp://mail.example.com/',
  'smtp://mail.example.com:465',
  'smtp://mail.example.com:0',
  'smtps://mail.example.com:587',
  'smtp://[2001:db8::25]:25',
  'smtp://192.0.2.1',
  'smtp://m%C3%BCller.example',
  'smtp://müller.example:587',
  'direct://mail.example.com:465',
  'direct://mail.example.com?secure=true',
  'direct://mail.example.com?secure=false&port=465',
  auth,
  'smtps://app:word@mail.example.com:465',
  'smtp://app%40example.com:w%2Fo%3Fr%23d%40@mail.example.com:587',
  'smtp://app:a:b@mail.example.com',
  'smtp://app:100%25@mail.example.com',
  'smtp://app:100%@mail.example.com',
  'smtp://app:w%C3%B6rd@mail.example.com',
  `${auth}?secure=true`,
  `${auth}?secure=false`,
  'smtps://app:word@mail.example.com?secure=false',
  `${auth}?requireTLS=true`,
  `${auth}?requireTLS=1`,
  `${auth}?requireTLS=yes`,
  `${auth}?requireTLS=false`,
  `${auth}?requireTLS=0`,
  `${auth}?requireTLS=`,
  `${auth}?requireTLS=true&ignoreTLS=true`,
  `${auth}?requireTLS=true&opportunisticTLS=true`,
  `${auth}?ignoreTLS=true`,
  `${auth}?ignoreTLS=0`,
  `${auth}?opportunisticTLS=false`,
  `${auth}?name=app.example.com`,
  `${auth}?name=`,
  `${auth}?name=[192.0.2.7]`,
  `${auth}?authMethod=LOGIN`,
  `${auth}?authMethod=plain`,
  `${auth}?authMethod=CRAM-MD5`,
  `${auth}?authMethod=XOAUTH2`,
  `${auth}?authMethod=`,
  `${auth}?tls.rejectUnauthorized=false`,
  `${auth}?tls.rejectUnauthorized=true`,
  `${auth}?tls.rejectUnauthorized=0`,
  `${auth}?tls.servername=relay.example.com`,
  `${auth}?servername=relay.example.com`,
  `${auth}?servername=a.example&tls.servername=b.example`,
  `${auth}?tls.minVersion=TLSv1.3`,
  `${auth}?tls.maxVersion=TLSv1.2&tls.ciphers=HIGH:!aNULL`,
  `${auth}?connectionTimeout=3000&greetingTimeout=4000&socketTimeout=5000`,
  `${auth}?greetingTimeout=0`,
  `${auth}?forceAuth=true`,
  `${auth}?pool=true&maxConnections=5&maxMessages=100&rateLimit=3&rateDelta=1000&idleTimeout=9`,
  `${auth}?logger=true&debug=true&component=mail`,
  `${auth}?disableFileAccess=true&disableUrlAccess=true`,
  `${auth}?host=other.example&port=2525`,
  'smtp://mail.example.com?port=2525',
  'smtps://app:word@mail.example.com?service=Gmail',
  `${auth}?service=Gmail`,
  `${auth}?service=Outlook365`,
  `${auth}?service=SES`,
  `${auth}?service=1und1`,
  `${auth}?service=Mailcatcher`,
  `${auth}?service=nobody-knows-it`,
  `${auth}?dkim.domainName=example.com`,
  'smtp://app@mail.example.com',
  'smtp://:word@mail.example.com',
]

describe('a URL', () => {
  it.each(understood)('%s is read as nodemailer reads it', url => {
    const reading = read(url)
    if (reading.kind !== 'plan') throw new Error(reading.why)
    // With `logger=true` nodemailer writes to the console.
    const console = vi.spyOn(globalThis.console, 'log').mockReturnValue()
    onTestFinished(() => console.mockRestore())
    expect(factsOf(reading.plan)).toEqual(nodemailersOwn(url))
  })

  it.each([
    [`${auth}?secure=true`, ['secure']],
    [`${auth}?pool=true&maxConnections=5`, ['pool', 'maxConnections']],
    [`${auth}?dkim.domainName=example.com`, ['dkim.domainName']],
    [`${auth}/path?host=other.example`, ['host', 'its path']],
  ])('%s has parameters that change nothing: %s', (url, ignored) => {
    expect(read(url)).toMatchObject({ kind: 'plan', ignored })
  })

  /** Of other clients, where they mean what can be followed. */
  it.each([
    ['smtp+starttls://app:word@mail.example.com:587', { security: 'starttls', port: 587 }],
    ['smtp+tls://app:word@mail.example.com:25', { security: 'starttls', port: 25 }],
    ['smtp+ssl://app:word@mail.example.com:465', { security: 'tls', port: 465 }],
    ['submission://app:word@mail.example.com', { security: 'starttls', port: 587 }],
    ['submissions://app:word@mail.example.com', { security: 'tls', port: 465 }],
    [`${auth}:25?verify_peer=0`, { security: 'opportunistic', port: 25, verify: false }],
    [`${auth}:465?verify_peer=false`, { security: 'tls', verify: false }],
    [`${auth}:25?verify_peer=1&local_domain=app.example.com`, { verify: undefined, hello: 'app.example.com' }],
    [`${auth}:25?auto_tls=false`, { security: 'none' }],
    [`${auth}:25?require_tls=true&ping_threshold=10`, { security: 'starttls' }],
  ])('%s of another client is followed', (url, plan) => {
    expect(read(url)).toMatchObject({ kind: 'plan', plan })
  })

  it.each([
    ['smtp://app@example.com:secret-word@mail.example.com', /without doubt.*%40/],
    ['smtp://app:secret@word@mail.example.com', /without doubt/],
    ['smtp://app:secret/word@mail.example.com', /without doubt.*%2F/],
    ['smtp://app:25/secret@mail.example.com', /without doubt/],
    ['smtp://app:secret?word@mail.example.com', /without doubt/],
    ['smtp://app:25?secret=word@mail.example.com', /without doubt/],
    ['smtp://app@example.com:25?secret-word&more=1@mail.example.com', /without doubt/],
    ['smtp://app:secret#word@mail.example.com', /without doubt/],
    ['smtp://app:secret\\word@mail.example.com', /without doubt/],
    ['secret-word', /expected a URL such as smtp:/],
    ['"smtp://app:secret-word@relay:587"', /in quotes.*docker run --env-file/],
    ['smtp://${SMTP_USER}:secret-word@relay:587', /its user: .*it holds \$\{SMTP_USER\}/],
    ['secret:word', /expected a URL/],
    ['mail.example.com:587', /expected a URL/],
    ['', /expected a URL/],
    [' smtp://mail.example.com', /white space before it/],
    ['smtp://mail.example.com:secret', /no valid URL/],
    ['smtp://mail.example.com:99999', /no valid URL/],
    ['smtp://secret word:25', /no valid URL|its host/],
    [`${auth}?proxy=http%3A%2F%2Fsecret`, /parameter proxy is not followed/],
    [`${auth}?secret%20word=1`, /one of its parameters is not followed/],
    [`${auth}?localAddress=192.0.2.1`, /parameter localAddress/],
    [`${auth}?lmtp=true`, /parameter lmtp/],
    [`${auth}?dnsTimeout=1000`, /parameter dnsTimeout/],
    [`${auth}?opportunisticTLS=true`, /parameter opportunisticTLS/],
    [`${auth}?tls.ca=secret`, /parameter tls\.ca/],
    [`${auth}?tls.minVersion=TLSv9`, /tls\.minVersion has a value/],
    [`${auth}?name=secret%20word`, /parameter name has a value/],
    [`${auth}?authMethod=NTLM`, /parameter authMethod has a value/],
    [`${auth}?greetingTimeout=soon`, /parameter greetingTimeout has a value/],
    [`${auth}?requireTLS=true&requireTLS=false`, /parameter requireTLS is given twice/],
    [`${auth}?sendmail=true`, /does not use SMTP/],
    [`${auth}?encryption=tls`, /encryption is of Laravel/],
    [`${auth}?tls=true`, /tls is of Django/],
    [`${auth}?authentication=login`, /authentication is of Rails/],
    [`${auth}?verify_peer=0`, /no port/],
    ['smtp+tls://app:word@mail.example.com', /no port/],
    ['ses+smtp://KEY:secret@default?region=eu-west-1', /transport of Symfony Mailer/],
    ['mailgun+api://secret@default', /transport of Symfony Mailer/],
    ['failover(smtp://a smtp://b)', /list of transports/],
    ['sendmail://default', /not SMTP/],
    ['null://null', /not SMTP/],
    ['https://api.example.com/secret', /something else/],
    ['postgres://app:secret@db/app', /something else/],
  ])('%s is not understood, and nothing of it is shown', (url, why) => {
    const reading = read(url)
    if (reading.kind === 'plan') throw new Error(JSON.stringify(reading.plan))
    expect(reading.why).toMatch(why)
    expect(reading.why).not.toContain('secret')
  })
})

it('the EHLO name is that of nodemailer', () => {
  const names = ['mail', 'mail.example.com', '192.0.2.1', '']
  expect(names.map(name => defaultHello(name))).toEqual([
    '[127.0.0.1]',
    'mail.example.com',
    '[192.0.2.1]',
    '[127.0.0.1]',
  ])
  expect(defaultHello()).toBe((new SMTPConnection({}) as unknown as { name: string }).name)
})
