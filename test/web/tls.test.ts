import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { clientAuthTypes, type ClientAuthType } from '../../src/web/tls.ts'
import { runProcess, waitFor } from '../servers/processes.ts'
import { authority, issue, type Signed } from './pki.ts'
import { ask, serving, type Served } from './serving.ts'

let ca: Signed
let clients: Signed
let server: Signed
/** Certificates that a client may show. */
let shown: Record<'none' | 'stranger' | 'known' | 'allowed', Partial<Signed>>

beforeAll(async () => {
  const strangers = await authority('strangers')
  ;[ca, clients] = await Promise.all([authority('servers'), authority('clients')])
  const [stranger, known, allowed] = await Promise.all([
    issue(strangers, [{ dns: 'scraper.example' }]),
    issue(clients, [{ dns: 'other.example' }]),
    issue(clients, [{ dns: 'scraper.example' }]),
  ])
  server = await issue(ca)
  shown = { none: {}, stranger, known, allowed }
})

const files = () => ({ 'server.crt': server.cert, 'server.key': server.key, 'clients.crt': clients.cert })
const certificate = { cert_file: 'server.crt', key_file: 'server.key' }

const secured = (tls: object = {}, http: object = {}) =>
  serving({
    config: { tls_server_config: { ...certificate, ...tls }, http_server_config: http },
    files: files(),
  })

/** 200, or what came instead of an answer. */
async function outcome(web: Served, client: Partial<Signed> = {}): Promise<string> {
  try {
    const { status } = await ask(web, { path: '/metrics', ca: ca.cert, ...client })
    return String(status)
  } catch (error) {
    // The handshake is over for a client of TLS 1.3 before the server has looked at its certificate.
    return /ECONNRESET|EPIPE|socket hang up|alert|disconnected before/.test(String(error)) ? 'refused' : String(error)
  }
}

/** A handshake, and then nothing. */
function handshake(web: Served, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: web.port, ca: ca.cert, servername: 'localhost', ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

const protocolOf = async (web: Served, options: ConnectionOptions): Promise<string> => {
  try {
    const socket = await handshake(web, options)
    const spoken = `${socket.getProtocol() ?? ''} ${socket.getCipher().name}`
    socket.destroy()
    return spoken
  } catch {
    return 'refused'
  }
}

describe('a client certificate', () => {
  const served = '200'
  const refused = 'refused'
  const outcomes: Record<ClientAuthType, Record<keyof typeof shown, string>> = {
    NoClientCert: { none: served, stranger: served, known: served, allowed: served },
    RequestClientCert: { none: served, stranger: served, known: served, allowed: served },
    RequireAnyClientCert: { none: refused, stranger: served, known: served, allowed: served },
    VerifyClientCertIfGiven: { none: served, stranger: refused, known: served, allowed: served },
    RequireAndVerifyClientCert: { none: refused, stranger: refused, known: served, allowed: served },
  }
  it.each(clientAuthTypes)('with %s', async client_auth_type => {
    const web = await secured({
      client_auth_type,
      ...(client_auth_type !== 'NoClientCert' && { client_ca_file: 'clients.crt' }),
    })
    const seen: Record<string, string> = {}
    for (const [who, client] of Object.entries(shown)) seen[who] = await outcome(web, client)
    expect(seen).toEqual(outcomes[client_auth_type])
    // Of TLS 1.2 as well, where the handshake goes the other way round.
    const older: Record<string, string> = {}
    for (const [who, client] of Object.entries(shown))
      older[who] = await outcome(web, { ...client, maxVersion: 'TLSv1.2' } as Partial<Signed>)
    expect(older).toEqual(outcomes[client_auth_type])
  })

  it.each<[ClientAuthType, object]>([
    ['RequireAnyClientCert', { none: refused, stranger: served, known: refused, allowed: served }],
    ['RequireAndVerifyClientCert', { none: refused, stranger: refused, known: refused, allowed: served }],
  ])('with %s must have an allowed name', async (client_auth_type, expected) => {
    const web = await secured({
      client_auth_type,
      client_ca_file: 'clients.crt',
      client_allowed_sans: ['scraper.example'],
    })
    const seen: Record<string, string> = {}
    for (const [who, client] of Object.entries(shown)) seen[who] = await outcome(web, client)
    expect(seen).toEqual(expected)
  })

  it('has names of every kind, and none that only looks like one', async () => {
    const allowed = ['scraper.example', '192.0.2.7', '2001:db8::7', 'a@scraper.example', 'spiffe://example/a,b']
    const web = await secured({
      client_auth_type: 'RequireAndVerifyClientCert',
      client_ca_file: 'clients.crt',
      client_allowed_sans: allowed,
    })
    const admitted = [
      { dns: 'scraper.example' },
      { ip: '192.0.2.7' },
      { ip: '2001:db8::7' },
      { email: 'a@scraper.example' },
      { uri: 'spiffe://example/a,b' },
    ]
    const kept = [
      { dns: 'SCRAPER.example.org' },
      { dns: 'x.scraper.example' },
      { ip: '192.0.2.70' },
      { dns: 'a, DNS:scraper.example, DNS:b' },
      { uri: 'spiffe://a, DNS:scraper.example, URI:b' },
      { dns: 'a", DNS:scraper.example, DNS:"b' },
      { uri: 'spiffe://example/a' },
    ]
    for (const san of admitted)
      expect([san, await outcome(web, await issue(clients, [{ dns: 'first.example' }, san]))]).toEqual([san, '200'])
    for (const san of kept) expect([san, await outcome(web, await issue(clients, [san]))]).toEqual([san, 'refused'])
    expect((await ask(web, { ca: ca.cert, ...shown.allowed })).status).toBe(200)
  })
})

describe('TLS', () => {
  const old = { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' } as const

  it('has the versions that are set, and by default 1.2 and 1.3', async () => {
    const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const
    const spoken = async (tls: object): Promise<string[]> => {
      const web = await secured(tls)
      const outcomes: string[] = []
      for (const maxVersion of versions) {
        const got = await protocolOf(web, { ...old, minVersion: maxVersion, maxVersion })
        if (got !== 'refused') outcomes.push(got.split(' ')[0] ?? '')
      }
      return outcomes
    }
    expect(await spoken({})).toEqual(['TLSv1.2', 'TLSv1.3'])
    expect(await spoken({ min_version: 'TLS13' })).toEqual(['TLSv1.3'])
    expect(await spoken({ max_version: 'TLS12' })).toEqual(['TLSv1.2'])
    expect(await spoken({ min_version: 'TLS10' })).toEqual(versions)
    expect(await spoken({ min_version: 'TLS11', max_version: 'TLS11' })).toEqual(['TLSv1.1'])
  })

  it('has the cipher suites that are set, in their order or the client’s', async () => {
    const cipher_suites = ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384']
    const client = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305' }
    const ours = await secured({ cipher_suites })
    expect(await protocolOf(ours, client as ConnectionOptions)).toBe('TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305')
    const theirs = await secured({ cipher_suites, prefer_server_cipher_suites: false })
    expect(await protocolOf(theirs, client as ConnectionOptions)).toBe('TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384')
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }
    expect(await protocolOf(ours, other as ConnectionOptions)).toBe('refused')
    // Those of TLS 1.3 cannot be chosen.
    expect(await protocolOf(ours, {})).toMatch(/^TLSv1\.3 TLS_/)
  })

  it('has the curves that are set', async () => {
    const web = await secured({ curve_preferences: ['CurveP384'] })
    expect(await protocolOf(web, { ecdhCurve: 'X25519' })).toBe('refused')
    expect(await protocolOf(web, { ecdhCurve: 'P-384' })).toMatch(/^TLSv1\.3/)
  })

  it('is nothing that a client without it gets anything out of', async () => {
    const web = await secured()
    await expect(ask(web, { path: '/metrics' })).rejects.toThrow()
    expect(await outcome(web)).toBe('200')
  })

  it('shakes hands with openssl, which verifies the certificate', async () => {
    const web = await secured()
    await web.rewrite('ca.crt', ca.cert)
    const said = await runProcess(
      'openssl',
      [
        's_client',
        '-connect',
        `127.0.0.1:${web.port}`,
        '-CAfile',
        `${web.folder}/ca.crt`,
        '-verify_return_error',
        '-brief',
      ],
      { input: 'GET /-/healthy HTTP/1.0\r\n\r\n' },
    )
    expect(said).toMatch(/Verification: OK/)
  })
})

const renewed = async (web: Served, tls: Signed): Promise<void> => {
  // At once: a look in between finds a pair that does not match, and logs it.
  await Promise.all([web.rewrite('server.crt', tls.cert), web.rewrite('server.key', tls.key)])
}

/** The certificate that a new connection gets. */
async function presented(web: Served): Promise<string> {
  const socket = await handshake(web)
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

describe('a certificate that is renewed on disk', () => {
  it('is used without a restart for new connections, and those there are stay', async () => {
    const web = await secured({ prefer_server_cipher_suites: false })
    const before = await presented(web)
    const open = await handshake(web)
    await renewed(web, await issue(ca))
    await waitFor(async () => (await presented(web)) !== before, { what: 'the new certificate is used' })
    // HTTP on the connection from before.
    open.write('GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const chunks: Buffer[] = []
    for await (const chunk of open) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 /)
    expect(web.logged.filter(({ level }) => level !== 'info')).toEqual([])
  })

  it('is not used while it is broken, which is logged once, and then is', async () => {
    const web = await secured()
    const before = await presented(web)
    const next = await issue(ca)
    await web.rewrite('server.crt', next.cert)
    const errors = () => web.logged.filter(({ level }) => level === 'error')
    await waitFor(() => errors().length > 0, { what: 'the error is logged' })
    // Several looks at the files, one every 40 ms.
    await sleep(300)
    expect(errors()).toEqual([
      expect.objectContaining({
        error: expect.stringMatching(/key_file: the key does not belong to the certificate of cert_file/) as string,
      }),
    ])
    expect(await presented(web)).toBe(before)
    await web.rewrite('server.key', next.key)
    await waitFor(async () => (await presented(web)) !== before, { what: 'the new certificate is used' })
    expect(errors()).toHaveLength(1)
    expect(JSON.stringify(web.logged)).not.toContain('PRIVATE KEY')
  })

  it('leaves the order of the cipher suites as it was', async () => {
    const web = await secured({
      cipher_suites: ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
      prefer_server_cipher_suites: false,
    })
    const before = await presented(web)
    await renewed(web, await issue(ca))
    await waitFor(async () => (await presented(web)) !== before, { what: 'the new certificate is used' })
    const client = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305' }
    expect(await protocolOf(web, client as ConnectionOptions)).toBe('TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384')
  })
})

describe('who may come in, when that is changed', () => {
  const mutual = { client_auth_type: 'RequireAndVerifyClientCert', client_ca_file: 'clients.crt' }

  it('holds for who is in already, and for who has a session from before', async () => {
    const web = await secured(mutual)
    const socket = await handshake(web, { ...shown.allowed, maxVersion: 'TLSv1.2' })
    const session = socket.getSession()
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.on('error', () => undefined)
    const reopened = await handshake(web, { ...shown.allowed, maxVersion: 'TLSv1.2', session })
    // Otherwise what comes last would prove nothing.
    expect(reopened.isSessionReused()).toBe(true)
    reopened.destroy()
    await web.rewrite('clients.crt', (await authority('others')).cert)
    await closed
    expect(await outcome(web, shown.allowed)).toBe('refused')
    expect(await outcome(web, { ...shown.allowed, maxVersion: 'TLSv1.2', session } as Partial<Signed>)).toBe('refused')
  })

  it('holds for a name that is no longer allowed', async () => {
    const config = (names: string[]) => ({
      tls_server_config: { ...certificate, ...mutual, client_allowed_sans: names },
    })
    const web = await serving({ config: config(['scraper.example']), files: files() })
    const session = await new Promise<Buffer>((resolve, reject) => {
      handshake(web, shown.allowed).then(socket => socket.once('session', resolve), reject)
    })
    expect(await outcome(web, shown.allowed)).toBe('200')
    await web.rewrite('web.yml', JSON.stringify(config(['other.example'])))
    await waitFor(async () => (await outcome(web, shown.known)) === '200', { what: 'the file is read anew' })
    expect(await outcome(web, shown.allowed)).toBe('refused')
    expect(await outcome(web, { ...shown.allowed, session } as Partial<Signed>)).toBe('refused')
  })

  it('is neither opened nor closed by what takes a restart', async () => {
    const web = await secured(mutual)
    const warnings = () => web.logged.filter(({ level }) => level === 'warn').length
    const switches = [{}, { tls_server_config: certificate }, { tls_server_config: { ...certificate, ...mutual } }]
    for (const [i, config] of switches.entries()) {
      await web.rewrite('web.yml', JSON.stringify(config))
      const reloads = () => web.logged.filter(({ msg }) => msg === 'the web configuration was reloaded').length
      await waitFor(() => reloads() > i, { what: 'the file is read anew' })
      expect([await outcome(web), await outcome(web, shown.known)]).toEqual(['refused', '200'])
    }
    expect(warnings()).toBe(2)
  })
})
