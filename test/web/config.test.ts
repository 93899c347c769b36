import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createPrivateKey } from 'node:crypto'
import path from 'node:path'
import { getCiphers } from 'node:tls'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/core/errors.ts'
import { loadWebConfig, openToAll, type WebConfig } from '../../src/web/config.ts'
import { parseGoDuration } from '../../src/web/go-duration.ts'
import { cipherSuites } from '../../src/web/tls-names.ts'
import { removeFolder, runProcess, tempFolder } from '../servers/processes.ts'
import { makeUnreadable } from '../servers/unreadable.ts'
import { authority, issue } from './pki.ts'

/** All that is said of each file in `bad/`, without the file's name, which every line begins with. */
const messages: Record<string, string[]> = {
  'ciphers-and-curves.yml': [
    `6:7: tls_server_config.cipher_suites[1]: expected one of ${Object.keys(cipherSuites).join(', ')}`,
    `7:7: tls_server_config.cipher_suites[2]: expected one of ${Object.keys(cipherSuites).join(', ')}`,
    '8:34: tls_server_config.curve_preferences[1]: expected one of CurveP256, CurveP384, CurveP521, X25519, X25519MLKEM768',
  ],
  'client-auth-type.yml': [
    '4:21: tls_server_config.client_auth_type: expected one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, RequireClientCert',
  ],
  'client-ca-for-nobody.yml': [
    '4:19: tls_server_config.client_ca_file: no client is asked for a certificate; set client_auth_type to RequireAndVerifyClientCert, or take this out',
  ],
  'client-ca-missing.yml': [
    '2:3: tls_server_config.client_ca_file: is missing; RequireAndVerifyClientCert verifies certificates with it',
  ],
  'files-that-hold-something-else.yml': [
    '2:14: tls_server_config.cert_file: holds a private key and no certificate',
    '3:13: tls_server_config.key_file: holds a certificate and no private key',
    '5:19: tls_server_config.client_ca_file: one of the certificates in it is damaged',
  ],
  'headers.yml': [
    '3:22: http_server_config.headers.X-Frame-Options: expected deny or sameorigin',
    '4:29: http_server_config.headers.X-Content-Type-Options: expected nosniff',
    '5:30: http_server_config.headers.Content-Security-Policy: a header has printable ASCII characters only',
    '6:23: http_server_config.headers.X-XSS-Protection: a header has printable ASCII characters only',
  ],
  'inline-and-file.yml': [
    '4:9: tls_server_config.cert: there is cert_file as well; keep one of them',
    '5:8: tls_server_config.key: there is key_file as well; keep one of them',
    '8:14: tls_server_config.client_ca: there is client_ca_file as well; keep one of them',
  ],
  'inline-junk.yml': [
    '2:9: tls_server_config.cert: the certificate in it is damaged',
    '6:8: tls_server_config.key: is not PEM: it has no line -----BEGIN PRIVATE KEY-----',
  ],
  'key-of-another-certificate.yml': [
    '4:13: tls_server_config.key_file: the key does not belong to the certificate of cert_file',
  ],
  'key-twice.yml': ['3:3: not valid YAML: the same key stands here a second time; keep one of them'],
  'key-with-passphrase.yml': [
    '3:13: tls_server_config.key_file: the private key is encrypted, and there is no passphrase for it',
  ],
  'list.yml': ['1:1: expected keys with values'],
  'no-certificate.yml': [
    '2:3: tls_server_config.cert_file: is missing; TLS needs a certificate',
    '2:3: tls_server_config.key_file: is missing; TLS needs the private key of the certificate',
  ],
  'no-key.yml': ['2:3: tls_server_config.key_file: is missing; TLS needs the private key of the certificate'],
  'no-such-files.yml': [
    '2:14: tls_server_config.cert_file: there is no such file (looked for from FOLDER)',
    '3:13: tls_server_config.key_file: there is no such file (looked for from FOLDER)',
    '5:19: tls_server_config.client_ca_file: is a directory, not a file (looked for from FOLDER)',
  ],
  'null-values.yml': [
    '1:19: tls_server_config: is empty; expected a section with keys',
    '3:11: http_server_config.headers: is empty; expected a section with keys',
    '4:18: basic_auth_users: is empty; expected a section with keys',
  ],
  'rate-limit-half.yml': ['2:3: rate_limit.interval: is missing; expected a time such as 1s, 500ms or 1m30s'],
  'rate-limit-of-nothing.yml': ['3:10: rate_limit.burst: must be 1 or more; for no limit set the interval to 0'],
  'rate-limit.yml': [
    '2:13: rate_limit.interval: expected a time such as 1s, 500ms or 1m30s',
    '3:10: rate_limit.burst: must be 0 or more',
  ],
  'sans-empty.yml': ['6:24: tls_server_config.client_allowed_sans: name at least one, or leave it out'],
  'sans-of-nobody.yml': [
    '6:24: tls_server_config.client_allowed_sans: with VerifyClientCertIfGiven a client may come without a certificate; set client_auth_type to RequireAndVerifyClientCert',
  ],
  'scalar.yml': ['1:1: expected keys with values'],
  'syntax.yml': [
    '3:1: not valid YAML: something is missing: a colon and a space behind a key, a comma, a closing quote or bracket',
  ],
  'two-documents.yml': ['2:1: not valid YAML: a second document begins here; write one document, without ---'],
  'unknown-keys.yml': [
    '4:3: tls_server_config: unknown key min_versoin; known keys: cert_file, key_file, cert, key, client_auth_type, client_ca_file, client_ca, client_allowed_sans, min_version, max_version, cipher_suites, prefer_server_cipher_suites, curve_preferences',
    '6:3: http_server_config: unknown key http3; known keys: http2, headers',
    '8:5: http_server_config.headers: unknown key Server; known keys: Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security',
    '9:5: http_server_config.headers: unknown key Set-Cookie; known keys: Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security',
    '10:1: unknown key basic_auth_user; known keys: tls_server_config, http_server_config, basic_auth_users, rate_limit',
    '15:3: rate_limit: unknown key per; known keys: interval, burst',
  ],
  'user-proto.yml': ['2:3: __proto__ cannot be a name here; take another one'],
  'users.yml': [
    '2:10: basic_auth_users.alice: expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes',
    '3:8: basic_auth_users.bob: expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes',
    '4:10: basic_auth_users.carol: expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes',
    '5:9: basic_auth_users.dave: expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes',
    '6:12: basic_auth_users.eve:1: a user name has no colon',
    '7:9: basic_auth_users.frank: is empty; expected a bcrypt hash, such as `htpasswd -nBC 10 "" | tr -d ":\\n"` writes',
  ],
  'versions-reversed.yml': ['5:16: tls_server_config.max_version: is before min_version, which is TLS13'],
  'versions.yml': [
    '4:16: tls_server_config.min_version: expected one of TLS10, TLS11, TLS12, TLS13',
    '5:16: tls_server_config.max_version: expected one of TLS10, TLS11, TLS12, TLS13',
  ],
  'wrong-types.yml': [
    '4:32: tls_server_config.prefer_server_cipher_suites: expected true or false, not in quotes',
    '5:18: tls_server_config.cipher_suites: expected a list',
    '7:10: http_server_config.http2: expected true or false, not in quotes',
    '8:19: basic_auth_users: expected a section with keys',
    '9:13: rate_limit: expected a section with keys',
  ],
}

let folder: string
let files: Record<string, string>
const load = (name: string): Promise<WebConfig> => loadWebConfig(path.join(folder, name), {})

/** The lines of the ConfigError, without the name of the file. */
async function refusal(name: string): Promise<string[]> {
  const error: unknown = await load(name).catch((thrown: unknown) => thrown)
  if (!(error instanceof ConfigError)) throw new Error(`${name} was accepted`)
  const file = path.join(folder, name)
  const lines = error.message.split('\n')
  expect(lines.filter(line => !line.startsWith(`${file}:`))).toEqual([])
  return lines.map(line => line.slice(file.length + 1).replaceAll(folder, 'FOLDER'))
}

beforeAll(async () => {
  folder = tempFolder('mailpath-web-config-')
  await cp(path.join(import.meta.dirname, 'bad'), folder, { recursive: true })
  await cp(path.join(import.meta.dirname, 'good'), folder, { recursive: true })
  const ca = await authority('a CA')
  const [server, other] = await Promise.all([issue(ca), issue(ca)])
  const weak = await generate([{ name: 'commonName', value: 'weak' }], { keyType: 'rsa', keySize: 512 })
  const encrypted = createPrivateKey(server.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  })
  files = {
    'server.crt': server.cert,
    'server.key': server.key,
    'other.key': other.key,
    'encrypted.key': encrypted.toString(),
    'ca.crt': ca.cert,
    'half-a-bundle.crt': `${ca.cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    'weak.crt': weak.cert,
    'weak.key': weak.private,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text)
})
afterAll(() => removeFolder(folder))

describe('a bad file', () => {
  it('is among those that are tested below', async () => {
    expect((await readdir(path.join(import.meta.dirname, 'bad'))).sort()).toEqual(Object.keys(messages).sort())
  })

  it.each(Object.entries(messages))('%s: line, column, key and remedy of everything', async (name, lines) => {
    expect(await refusal(name)).toEqual(lines)
  })

  it('is reported without what may be a secret', async () => {
    for (const name of Object.keys(messages)) expect((await refusal(name)).join('\n')).not.toContain('hunter2')
  })
})

describe('a good file', () => {
  it('may be empty, and then serves everybody', async () => {
    await writeFile(path.join(folder, 'empty.yml'), '# nothing yet\n')
    expect(await load('empty.yml')).toEqual(openToAll)
  })

  it('has every key of the format', async () => {
    expect(await load('everything.yml')).toEqual({
      tls: {
        clientAuth: 'RequireAndVerifyClientCert',
        allowedSans: ['prometheus.example', '192.0.2.7', 'spiffe://example/prometheus'],
        context: {
          cert: files['server.crt'],
          key: files['server.key'],
          ca: files['ca.crt'],
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
          ciphers:
            'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:' +
            'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
          honorCipherOrder: false,
          // What this OpenSSL does not know is left out.
          ecdhCurve: expect.stringMatching(/^(X25519MLKEM768:)?X25519:P-256:P-384:P-521$/) as string,
        },
      },
      http2: false,
      headers: {
        'Content-Security-Policy': "default-src 'self'",
        'X-Frame-Options': 'sameorigin',
        'X-Content-Type-Options': 'nosniff',
        'X-XSS-Protection': '0',
        'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
      },
      users: {
        alice: '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG',
        'bob smith': '$2b$12$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG',
        7: '$2a$04$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG',
      },
      rateLimit: { intervalMs: 60_500, burst: 20 },
    })
  })

  it('says with a blank header, or a limit of 0, that there is none', async () => {
    expect(await load('blank.yml')).toEqual(openToAll)
  })

  it('has certificates by absolute paths or inline', async () => {
    const inline = { cert: files['server.crt'], key: files['server.key'], client_ca: files['ca.crt'] }
    const named = {
      cert_file: path.join(folder, 'server.crt'),
      key_file: path.join(folder, 'server.key'),
      client_ca_file: path.join(folder, 'ca.crt'),
    }
    const loaded: WebConfig[] = []
    for (const given of [inline, named]) {
      await mkdir(path.join(folder, 'elsewhere'), { recursive: true })
      const tls_server_config = { ...given, client_auth_type: 'RequireClientCert' }
      await writeFile(path.join(folder, 'elsewhere/web.yml'), JSON.stringify({ tls_server_config }))
      loaded.push(await load('elsewhere/web.yml'))
    }
    expect(loaded[0]).toEqual(loaded[1])
    // The name it had at first.
    expect(loaded[0]?.tls).toMatchObject({ clientAuth: 'RequireAnyClientCert', context: { ca: files['ca.crt'] } })
  })

  it('has no cipher suite that OpenSSL would pass over without a word', () => {
    const unknown = Object.values(cipherSuites).filter(name => !getCiphers().includes(name.toLowerCase()))
    expect(unknown).toEqual([])
  })
})

describe('a file that is not there, or cannot be used', () => {
  it.each<[string, string]>([
    ['nowhere.yml', ' there is no such file; give its path with --web.config.file'],
    ['.', ' is a directory; give the path of a file with --web.config.file'],
  ])('%s', async (name, message) => {
    expect(await refusal(name)).toEqual([message])
  })

  it('is reported if the certificate may not be read, hangs, or has too weak a key', async () => {
    await writeFile(path.join(folder, 'unreadable.key'), '')
    await makeUnreadable(path.join(folder, 'unreadable.key'))
    await runProcess('mkfifo', [path.join(folder, 'fifo.crt')])
    const tls = (cert_file: string, key_file: string) => JSON.stringify({ tls_server_config: { cert_file, key_file } })
    await writeFile(path.join(folder, 'unreadable.yml'), tls('fifo.crt', 'unreadable.key'))
    expect((await refusal('unreadable.yml')).map(line => line.replace(/ \(looked.*/, ''))).toEqual([
      '1:35: tls_server_config.cert_file: is not a regular file',
      '1:57: tls_server_config.key_file: permission denied: let the user the exporter runs as read it',
    ])
    await writeFile(path.join(folder, 'weak.yml'), tls('weak.crt', 'weak.key'))
    expect(await refusal('weak.yml')).toEqual([
      '1:35: tls_server_config.cert_file: TLS refuses the certificate or its key: ee key too small',
    ])
  })
})

describe('a duration of Go', () => {
  it.each([
    ['0', 0],
    ['1s', 1_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['10µs', 0.01],
    ['1s1ns', 1_000.000_001],
  ])('%s', (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms, 9)
  })

  it.each(['', '1', 's', '-1s', '1 s', '1d', '1s ', '1..s', '.s', '1e3s'])('is not %j', text => {
    expect(parseGoDuration(text)).toBeUndefined()
  })
})
