import { once } from 'node:events'
import https from 'node:https'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import { createTransport } from 'nodemailer'
import { afterEach, describe, expect, it } from 'vitest'
import { type Certificate, type Certificates, certificates } from './certificates.ts'
import {
  closesAtOnce,
  cutOff,
  drip,
  garbage,
  type Listening,
  longLine,
  refusedPort,
  scripted,
  silent,
} from './hostile.ts'
import { startKubernetesDouble } from './kubernetes-double.ts'
import { waitFor } from './ports.ts'
import { type Smtp, type SmtpOptions, startSmtp } from './smtp.ts'
import { startVaultDouble, type VaultState } from './vault-double.ts'

const running: Listening[] = []

afterEach(async () => {
  const stopped = running.splice(0)
  await Promise.all(stopped.map(server => server.close()))
  expect(stopped.map(server => server.connections)).toEqual(stopped.map(() => 0))
})

async function up<Server extends Listening>(starting: Promise<Server>): Promise<Server> {
  const server = await starting
  running.push(server)
  return server
}

describe('certificates', () => {
  const cases: [keyof Omit<Certificates, 'ca' | 'caKey'>, string][] = [
    ['good', 'ok'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['notYetValid', 'CERT_NOT_YET_VALID'],
    ['wrongName', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ]

  it.each(cases)('%s: %s', async (name, outcome) => {
    const { ca, [name]: certificate } = await certificates()
    const { port } = await up(scripted({ security: 'tls', certificate }))
    expect(await handshake(port, ca)).toBe(outcome)
  })

  it('are made once', async () => {
    expect(await certificates()).toBe(await certificates())
  })
})

describe('smtp', () => {
  it.each(['starttls', 'tls', 'none'] as const)('%s: right and wrong password', async security => {
    const smtp = await withUser({ security })
    expect(await login(smtp, security, 'right')).toBe('ok')
    expect(await login(smtp, security, 'wrong')).toBe('EAUTH 535')
    expect(smtp).toMatchObject({ logins: 2, accepted: 2, messages: 0 })
  })

  it('takes a new password, and refuses whatever a test has it refuse', async () => {
    const smtp = await withUser({ security: 'none' })
    smtp.password('probe', 'changed')
    expect(await login(smtp, 'none', 'right')).toBe('EAUTH 535')
    expect(await login(smtp, 'none', 'changed')).toBe('ok')
    smtp.refuse(454)
    expect(await login(smtp, 'none', 'changed')).toBe('EAUTH 454')
    smtp.refuse(undefined)
    expect(await login(smtp, 'none', 'changed')).toBe('ok')
  })

  it('counts a QUIT, and forgets a connection that has ended', async () => {
    const smtp = await withUser({ security: 'starttls' })
    await login(smtp, 'starttls', 'right')
    await waitFor(() => smtp.quits === 1 && smtp.connections === 0, { what: 'the client has left' })
  })

  it('rejects senders and recipients, and counts what it takes', async () => {
    const smtp = await withUser({ security: 'none' })
    expect(await send(smtp)).toBe('ok')
    smtp.rejectRcpt(550)
    expect(await send(smtp)).toBe('EENVELOPE 550')
    smtp.rejectRcpt(undefined)
    smtp.rejectFrom(451)
    expect(await send(smtp)).toBe('EENVELOPE 451')
    expect(smtp.messages).toBe(1)
  })

  it('has no STARTTLS with security none, and hides a working one on demand', async () => {
    expect(await login(await withUser({ security: 'none' }), 'starttls', 'right')).toMatch(/^ETLS/)
    const hidden = await withUser({ security: 'starttls', hideStarttls: true })
    expect(await dialogue(hidden.port, ['EHLO test'])).not.toContain('STARTTLS')
    expect(await login(hidden, 'starttls', 'right')).toBe('ok')
  })

  it('changes its certificate while it runs', async () => {
    const { ca, good, expired } = await certificates()
    const smtp = await up(startSmtp({ security: 'tls', certificate: expired }))
    expect(await handshake(smtp.port, ca)).toBe('CERT_HAS_EXPIRED')
    smtp.certificate(good)
    expect(await handshake(smtp.port, ca)).toBe('ok')
  })

  it('comes back on its port, and ends handshakes under way', async () => {
    const smtp = await withUser({ security: 'tls' })
    const client = tls.connect({ port: smtp.port, host: smtp.host, rejectUnauthorized: false })
    client.on('error', () => undefined)
    await once(client, 'connect')
    await smtp.close()
    expect((await withUser({ security: 'tls', port: smtp.port })).port).toBe(smtp.port)
    client.destroy()
  })
})

describe('hostile', () => {
  it('refuses', async () => {
    const { port } = await up(refusedPort())
    await expect(received(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('is silent, and counts who listens', async () => {
    const server = await up(silent())
    const socket = net.connect(server.port, server.host)
    await waitFor(() => server.connections === 1, { what: 'the client is there' })
    socket.write('EHLO test\r\n')
    expect(await Promise.race([once(socket, 'data'), pause(60)])).toBeUndefined()
    socket.destroy()
    await waitFor(() => server.connections === 0, { what: 'the client has left' })
    expect(server.accepted).toBe(1)
  })

  it('drips once, or for ever', async () => {
    const once = await up(drip('220', 2))
    const forever = await up(drip('220', 2, { after: 'repeat' }))
    expect(await received(once.port, 100)).toBe('220')
    expect(await received(forever.port, 100)).toMatch(/^(220){2}/)
  })

  it('talks garbage, the same each time', async () => {
    const server = await up(garbage())
    const first = await received(server.port, 40)
    expect(first.length).toBeGreaterThan(100)
    expect(await received(server.port, 40)).toBe(first)
    expect((await dialogue(server.port, ['EHLO test'])).length).toBeGreaterThan(first.length)
  })

  it('cuts off and closes, gently or not', async () => {
    const reset = await up(cutOff(4))
    await expect(received(reset.port)).rejects.toMatchObject({ code: 'ECONNRESET' })
    const ended = await up(cutOff(4, { how: 'fin' }))
    expect(await received(ended.port)).toBe('220 ')
    expect(await received((await up(closesAtOnce())).port)).toBe('')
  })

  it('is scripted: greetings, handlers, a polite rest', async () => {
    const gone = await up(scripted({ greeting: '421 4.3.2 Shutting down' }))
    expect(await received(gone.port)).toBe('421 4.3.2 Shutting down\r\n')
    const closed = await up(scripted({ greeting: '554 5.7.1 No service' }))
    expect(await dialogue(closed.port, ['EHLO test', 'QUIT'])).toMatch(/^554 .*\r\n503 .*\r\n221 .*\r\n$/)
    const busy = await up(scripted({ handlers: [line => (line.startsWith('MAIL') ? '452 4.3.1 Full' : undefined)] }))
    expect(await dialogue(busy.port, ['EHLO test', 'MAIL FROM:<a@b>', 'QUIT'])).toMatch(
      /250 AUTH PLAIN\r\n452 .*\r\n221/,
    )
    expect(busy.commands.map(({ line }) => line)).toEqual(['EHLO test', 'MAIL FROM:<a@b>', 'QUIT'])
    const endless = await up(scripted({ greeting: longLine(220) }))
    expect(await dialogue(endless.port, ['QUIT'])).toHaveLength((1 << 20) + '\r\n221 2.0.0 Bye\r\n'.length)
  })

  it('upgrades to TLS, or says that it will and does not', async () => {
    const { good } = await certificates()
    const server = await up(scripted({ security: 'starttls', certificate: good }))
    expect(await login(server, 'starttls', 'any')).toBe('ok')
    expect(server.commands.find(({ line }) => line.startsWith('AUTH'))).toMatchObject({ encrypted: true })
    const broken = await up(
      scripted({
        security: 'starttls',
        certificate: good,
        handlers: [line => (line === 'STARTTLS' ? '454 4.7.0 TLS not available' : undefined)],
      }),
    )
    expect(await login(broken, 'starttls', 'any')).toBe('ETLS 454')
    const injecting = await up(scripted({ security: 'starttls', certificate: good, inject: '250 injected\r\n' }))
    expect(await dialogue(injecting.port, ['EHLO test', 'STARTTLS'])).toMatch(/220 .*\r\n250 injected\r\n$/)
  })

  it('drips its EHLO', async () => {
    const server = await up(scripted({ dripEhloMs: 10 }))
    const reply = await dialogue(server.port, ['EHLO test'], 200)
    expect(reply).toMatch(/\r\n250-m/)
    expect(reply).not.toContain('AUTH')
  })
})

describe('vault double', () => {
  const states: [VaultState, number, object][] = [
    ['active', 200, { initialized: true, sealed: false, standby: false }],
    ['standby', 429, { initialized: true, sealed: false, standby: true, ha_connection_healthy: true }],
    ['performance_standby', 473, { standby: true, performance_standby: true }],
    ['dr_secondary', 472, { sealed: false, replication_dr_mode: 'secondary' }],
    ['ha_unhealthy', 474, { standby: true, ha_connection_healthy: false }],
    ['uninitialized', 501, { initialized: false, sealed: true, standby: true }],
    ['sealed', 503, { initialized: true, sealed: true, standby: true, replication_dr_mode: 'unknown' }],
    ['removed', 530, { sealed: true, removed_from_cluster: true }],
  ]

  it.each(states)('%s is %i', async (state, code, body) => {
    const vault = await withToken()
    vault.state = state
    const health = await vault.get('sys/health')
    expect(health.status).toBe(code)
    expect(health.body).toMatchObject(body)
    expect('cluster_id' in health.body).toBe(!['uninitialized', 'sealed', 'removed'].includes(state))
    const { initialized, sealed } = health.body
    expect((await vault.get('sys/seal-status')).body).toMatchObject({ initialized, sealed })
  })

  it('answers with the codes it is asked for', async () => {
    const vault = await withToken()
    const all = states.map(([state]) => state)
    const names =
      'activecode standbycode performancestandbycode drsecondarycode haunhealthycode uninitcode sealedcode removedcode'
    const query = names
      .split(' ')
      .map(name => `${name}=299`)
      .join('&')
    for (vault.state of all) expect((await vault.get(`sys/health?${query}`)).status).toBe(299)
    vault.state = 'standby'
    expect((await vault.get('sys/health?standbyok=true')).status).toBe(200)
    expect((await vault.get('sys/health?standbyok=perhaps')).status).toBe(400)
    expect((await vault.get('sys/health?sealedcode=x')).status).toBe(400)
    vault.state = 'performance_standby'
    expect((await vault.get('sys/health?perfstandbyok=1')).status).toBe(200)
    vault.state = 'ha_unhealthy'
    expect((await vault.get('sys/health?standbyok=1')).status).toBe(474)
  })

  it('looks up its token, till it has run out', async () => {
    const vault = await withToken()
    vault.tokenTtl = 60
    expect((await vault.get('auth/token/lookup-self')).body.data).toMatchObject({ ttl: 60, renewable: true })
    vault.tokenTtl = 'never'
    expect((await vault.get('auth/token/lookup-self')).body.data).toMatchObject({ ttl: 0, expire_time: null })
    vault.tokenTtl = 0
    const denied = {
      status: 403,
      body: { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] },
    }
    expect(await vault.get('auth/token/lookup-self')).toEqual(denied)
    vault.tokenTtl = 60
    vault.token = 'another'
    expect(await vault.get('auth/token/lookup-self')).toEqual(denied)
    vault.state = 'sealed'
    expect(await vault.get('auth/token/lookup-self')).toEqual({ status: 503, body: { errors: ['Vault is sealed'] } })
  })

  it('uses up a token', async () => {
    const vault = await withToken()
    vault.tokenUses = 2
    expect((await vault.get('auth/token/lookup-self')).body.data).toMatchObject({ num_uses: 1 })
    expect((await vault.get('auth/token/lookup-self')).status).toBe(200)
    expect((await vault.get('auth/token/lookup-self')).status).toBe(403)
  })

  it('reads KV v2', async () => {
    const path = 'secret/data/keybuzz/smtp'
    const vault = await withToken()
    const first = await vault.get(path)
    expect(first.body.data).toMatchObject({ data: { SMTP_PASS: 'x' }, metadata: { version: 1, destroyed: false } })
    vault.put(path, { SMTP_PASS: 'y' })
    expect((await vault.get(path)).body.data).toMatchObject({ data: { SMTP_PASS: 'y' }, metadata: { version: 2 } })
    vault.remove(path)
    const removed = await vault.get(path)
    expect(removed.status).toBe(404)
    expect(removed.body.data).toMatchObject({
      data: null,
      metadata: { deletion_time: expect.stringMatching(/^20/) as string },
    })
    vault.remove(path, 'destroyed')
    expect((await vault.get(path)).body.data).toMatchObject({ data: null, metadata: { destroyed: true } })
    expect(await vault.get('secret/data/nothing')).toEqual({ status: 404, body: { errors: [] } })
    expect((await vault.get('secret/keybuzz/smtp')).body).toMatchObject({ data: null })
    vault.deny('secret/data/keybuzz/')
    expect(await vault.get(path)).toEqual({
      status: 403,
      body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
    })
  })

  it('reads KV v1, and tells which mount is which', async () => {
    const vault = await withToken()
    expect((await vault.get('kv/keybuzz/smtp')).body.data).toEqual({ SMTP_PASS: 'z' })
    const v2 = await vault.get('sys/internal/ui/mounts/secret/keybuzz/smtp')
    expect(v2.body.data).toMatchObject({ path: 'secret/', type: 'kv', options: { version: '2' } })
    expect((await vault.get('sys/internal/ui/mounts/kv')).body.data).toMatchObject({ path: 'kv/', options: null })
    expect((await vault.get('sys/internal/ui/mounts/nowhere')).status).toBe(403)
  })

  it('misbehaves', async () => {
    const [vault, other] = await Promise.all([withToken(), withToken()])
    const health = `${vault.url}/v1/sys/health`
    vault.answer('html502')
    const html = await fetch(health)
    expect([html.status, html.headers.get('content-type')]).toEqual([502, 'text/html'])
    vault.answer('notVault')
    expect((await vault.get('sys/health')).body).not.toHaveProperty('sealed')
    vault.answer('rateLimited')
    expect((await vault.get('secret/data/x')).status).toBe(429)
    vault.answer('truncated')
    await expect(vault.get('sys/health')).rejects.toThrow()
    for (const how of ['silent', 'drip'] as const) {
      vault.answer(how)
      const signal = AbortSignal.timeout(150)
      await expect(fetch(health, { signal }).then(response => response.text())).rejects.toThrow(/aborted/)
    }
    vault.answer(`redirect:${other.url}`)
    const redirected = await fetch(`${health}?standbyok=true`, { redirect: 'manual' })
    expect(redirected.status).toBe(307)
    expect(redirected.headers.get('location')).toBe(`${other.url}/v1/sys/health?standbyok=true`)
    vault.answer('silent', '/v1/secret/')
    expect((await vault.get('sys/health')).status).toBe(200)
    expect(other.requests).toEqual([])
  })

  it('remembers its requests', async () => {
    const vault = await withToken()
    await vault.get('sys/health?standbyok=true')
    await fetch(`${vault.url}/v1/sys/health`, { method: 'HEAD' })
    expect(vault.requests).toEqual([
      { method: 'GET', path: '/v1/sys/health', query: '?standbyok=true', token: true },
      { method: 'HEAD', path: '/v1/sys/health', query: '', token: false },
    ])
  })

  it('speaks TLS', async () => {
    const { ca, good } = await certificates()
    const vault = await up(startVaultDouble({ token: 't', tls: good }))
    expect(JSON.parse(await getOverTls(vault.port, '/v1/sys/health', ca))).toMatchObject({ initialized: true })
  })
})

describe('kubernetes double', () => {
  const path = '/api/v1/namespaces/keybuzz/secrets/keybuzz-db'
  const secrets = () => ({ 'keybuzz/keybuzz-db': { PGHOST: '10.0.0.1' } })

  it('gives a secret, and another resourceVersion when it has changed', async () => {
    const api = await up(startKubernetesDouble({ token: 't', secrets: secrets() }))
    const first = await getJson(api.port, path, { Authorization: 'Bearer t' })
    expect(first.body).toMatchObject({ kind: 'Secret', data: { PGHOST: 'MTAuMC4wLjE=' } })
    const again = await getJson(api.port, path, { Authorization: 'Bearer t' })
    expect(again).toEqual(first)
    api.secrets['keybuzz/keybuzz-db'] = { PGHOST: '10.0.0.2' }
    const changed = await getJson(api.port, path, { Authorization: 'Bearer t' })
    expect(changed.body.metadata).not.toEqual(first.body.metadata)
  })

  it('refuses with a Status', async () => {
    const api = await up(startKubernetesDouble({ token: 't', secrets: secrets() }))
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure' }
    const ask = async (headers: Record<string, string>, at = path) => (await getJson(api.port, at, headers)).body
    const right = { Authorization: 'Bearer t' }
    expect(await ask({ Authorization: 'Bearer x' })).toMatchObject({ ...status, code: 401, reason: 'Unauthorized' })
    expect(await ask({})).toMatchObject({
      ...status,
      code: 403,
      message: expect.stringContaining('anonymous') as string,
    })
    expect(await ask(right, `${path}x`)).toMatchObject({ ...status, code: 404, reason: 'NotFound' })
    api.forbid = true
    expect(await ask(right)).toMatchObject({ ...status, code: 403, reason: 'Forbidden' })
    expect(api.requests).toHaveLength(4)
  })

  it('misbehaves, and speaks TLS', async () => {
    const { ca, good } = await certificates()
    const api = await up(startKubernetesDouble({ token: 't', tls: good }))
    expect(JSON.parse(await getOverTls(api.port, path, ca))).toMatchObject({ code: 403 })
    api.misbehaviour = 'html'
    expect(await getOverTls(api.port, path, ca)).toContain('<html>')
    api.misbehaviour = 'silent'
    expect(await Promise.race([getOverTls(api.port, path, ca).catch(() => 'ended'), pause(60)])).toBeUndefined()
  })
})

interface Reply {
  status: number
  body: Record<string, unknown>
}

async function getJson(port: number, path: string, headers: Record<string, string>): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function withToken() {
  const vault = await up(
    startVaultDouble({
      token: 't',
      secrets: { 'secret/data/keybuzz/smtp': { SMTP_PASS: 'x' }, 'kv/keybuzz/smtp': { SMTP_PASS: 'z' } },
    }),
  )
  return Object.assign(vault, {
    url: `http://127.0.0.1:${vault.port}`,
    get: (path: string) => getJson(vault.port, `/v1/${path}`, { 'X-Vault-Token': 't' }),
  })
}

async function withUser(options: Omit<SmtpOptions, 'users' | 'certificate'>): Promise<Smtp> {
  const { good } = await certificates()
  return up(startSmtp({ ...options, certificate: good, users: { probe: 'right' } }))
}

async function client({ port }: Listening, security: SmtpOptions['security'], pass: string) {
  const { ca } = await certificates()
  return createTransport({
    host: '127.0.0.1',
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    auth: { user: 'probe', pass },
    tls: { ca, servername: 'mail.keybuzz.io' },
  })
}

/** `ok`, or the code of the error and of the server's reply. */
async function login(server: Listening, security: SmtpOptions['security'], pass: string): Promise<string> {
  return outcome((await client(server, security, pass)).verify())
}

async function send(server: Listening): Promise<string> {
  const transport = await client(server, 'none', 'right')
  return outcome(transport.sendMail({ from: 'a@keybuzz.io', to: 'b@keybuzz.io', subject: 'test', text: 'test' }))
}

async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return 'ok'
  } catch (error) {
    const { code, responseCode } = error as { code?: string; responseCode?: number }
    return [code, responseCode].filter(part => part !== undefined).join(' ')
  }
}

async function handshake(port: number, ca: Certificate['ca']): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'mail.keybuzz.io', ca })
  try {
    return await outcome(once(socket, 'secureConnect'))
  } finally {
    socket.destroy()
  }
}

async function getOverTls(port: number, path: string, ca: string): Promise<string> {
  const request = https.get({ host: '127.0.0.1', port, path, ca, servername: 'vault-01', agent: false })
  const response = new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    request.on('response', resolve).on('error', reject)
  })
  return text(await response)
}

/** All that comes till the other end closes, or till `ms` have passed. */
async function received(port: number, ms = 2000): Promise<string> {
  return dialogue(port, [], ms)
}

/** Says `lines`, each upon some answer to the one before, and returns all that came back. */
async function dialogue(port: number, lines: string[], ms = 300): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  const timer = setTimeout(() => socket.destroy(), ms)
  const left = [...lines]
  let heard = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    heard += chunk
    const next = chunk.length < 10_000 || chunk.endsWith('\n') ? left.shift() : undefined
    if (next !== undefined) socket.write(next + '\r\n')
  })
  try {
    await once(socket, 'close')
  } finally {
    clearTimeout(timer)
  }
  return heard
}

async function pause(ms: number): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, ms, undefined))
}
