import { execFileSync } from 'node:child_process'
import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { inClusterUrl } from '../../src/clients/kubernetes.ts'
import { sources } from '../../src/fields/index.ts'
import { parseDotenv } from '../../src/references/dotenv.ts'
import type { Reference } from '../../src/core/reference.ts'
import { certificates } from '../servers/certificates.ts'
import { startKubernetesDouble, type KubernetesOptions } from '../servers/kubernetes-double.ts'
import { makeUnreadable } from '../servers/unreadable.ts'
import { startVaultDouble } from '../servers/vault-double.ts'
import { canary, file, folder, never, referencesTo, valueOf, whyNot } from './resolve.ts'

const examples: Readonly<Record<(typeof sources)[number], Reference>> = {
  env: { env: 'PASS' },
  file: { file: '/nowhere' },
  credential: { credential: 'pass' },
  dotenv: { dotenv: '/nowhere', key: 'PASS' },
  ini: { ini: '/nowhere', section: 'default', key: 'PASS' },
  kubernetes: { kubernetes: { namespace: 'app', secret: 'mail', key: 'PASS' } },
  vault: { vault: { target: 'vault-01', path: 'secret/data/mail', key: 'PASS' } },
}

it.each(sources)('a reference to %s begins its errors with that word, and is fetched from there', async source => {
  const why = await whyNot(valueOf(examples[source]))
  expect(why).toMatch(new RegExp(`^${source} `))
  expect(why).not.toContain('names no source')
})

describe('env', () => {
  it('is read when asked for', async () => {
    const env: Record<string, string> = {}
    const references = referencesTo({ env })
    expect(await whyNot(references.value({ env: 'PASS' }, never))).toBe('env PASS: PASS is not set')
    env['PASS'] = canary
    expect(await references.value({ env: 'PASS' }, never)).toBe(canary)
  })

  it('is none when empty, and falls back only when unset', async () => {
    expect(await whyNot(valueOf({ env: 'PASS', default: 'x' }, { env: { PASS: '' } }))).toBe('env PASS: PASS is empty')
    expect(await valueOf({ env: 'PROVIDER', default: 'smtp' })).toBe('smtp')
    expect(await whyNot(valueOf({ env: 'constructor' }))).toBe('env constructor: constructor is not set')
    // As Node has bytes of the environment that are not UTF-8.
    expect(await whyNot(valueOf({ env: 'PASS' }, { env: { PASS: 'x\uFFFDy' } }))).toBe(
      'env PASS: PASS is not UTF-8 text',
    )
  })
})

describe('file', () => {
  it.each([
    ['one newline', 'pa ss\n', 'pa ss'],
    ['one CRLF', 'pass\r\n', 'pass'],
    ['no more than one', 'pass\n\n', 'pass\n'],
    ['a byte order mark', '\uFEFFpass', 'pass'],
    ['nothing else', ' pässword ', ' pässword '],
  ])('has %s cut', async (_, content, value) => {
    expect(await valueOf({ file: await file(content) })).toBe(value)
  })

  it('is read again after a symlink swap, as Kubernetes mounts change', async () => {
    const dir = await folder()
    const [one, two, link, next] = ['one', 'two', 'link', 'next'].map(name => join(dir, name)) as [
      string,
      string,
      string,
      string,
    ]
    await Promise.all([writeFile(one, 'first'), writeFile(two, 'second')])
    await symlink(one, link)
    const references = referencesTo({})
    expect(await references.value({ file: link }, never)).toBe('first')
    await symlink(two, next)
    await rename(next, link)
    expect(await references.value({ file: link }, never)).toBe('second')
  })

  it.each<[string, (dir: string) => Promise<unknown> | undefined, string]>([
    ['is not there', () => undefined, 'there is no such file'],
    ['is empty', dir => writeFile(join(dir, 'x'), ''), 'the file is empty'],
    ['is a newline', dir => writeFile(join(dir, 'x'), '\n'), 'the file is empty'],
    ['is larger than 1 MiB', dir => writeFile(join(dir, 'x'), Buffer.alloc(1_048_577, 'x')), 'is larger than 1 MiB'],
    ['is not text', dir => writeFile(join(dir, 'x'), Buffer.from([0xff, 0xfe, 0x00])), 'is not UTF-8 text'],
    ['is a directory', dir => symlink(dir, join(dir, 'x')), 'is a directory, not a file'],
    ['is a device', dir => symlink('/dev/zero', join(dir, 'x')), 'is not a regular file'],
    ['is a loop', dir => symlink(join(dir, 'x'), join(dir, 'x')), 'is a symbolic link that leads back to itself'],
  ])('says that it %s', async (_, make, why) => {
    const dir = await folder()
    await make(dir)
    const path = join(dir, 'x')
    expect(await whyNot(valueOf({ file: path, default: 'not taken' }))).toBe(`file ${path}: ${why}`)
  })

  it('says that it may not be read', async () => {
    const path = await file(canary)
    await makeUnreadable(path)
    expect(await whyNot(valueOf({ file: path }))).toContain(
      'permission denied: let the user the exporter runs as read it',
    )
  })

  it('is not waited for if it is a FIFO that no process writes to', async () => {
    const path = join(await folder(), 'fifo')
    execFileSync('mkfifo', [path])
    // More than libuv has threads: were they blocked, nothing could be read any more.
    const all = await Promise.all(Array.from({ length: 6 }, () => whyNot(valueOf({ file: path }))))
    expect(new Set(all)).toEqual(new Set([`file ${path}: is not a regular file`]))
    expect(await valueOf({ file: await file('still read') })).toBe('still read')
  })

  it('is left when the signal aborts', async () => {
    const stop = new AbortController()
    const asked = valueOf({ file: await file(canary) }, {}, stop.signal)
    stop.abort(new Error('no answer within 5 s'))
    expect(await whyNot(asked)).toMatch(/^file .*: no answer within 5 s$/)
    expect(await whyNot(valueOf({ file: '/x' }, {}, stop.signal))).toBe('file /x: no answer within 5 s')
  })
})

describe('credential', () => {
  it('is a file of the folder systemd names', async () => {
    const path = await file(`${canary}\n`, 'smtp_pass')
    const env = { CREDENTIALS_DIRECTORY: join(path, '..') }
    expect(await valueOf({ credential: 'smtp_pass' }, { env })).toBe(canary)
    expect(await whyNot(valueOf({ credential: 'smtp' }, { env }))).toBe('credential smtp: there is no such file')
    await writeFile(path, '\n')
    expect(await whyNot(valueOf({ credential: 'smtp_pass' }, { env }))).toBe(
      'credential smtp_pass: the credential is empty',
    )
  })

  it('says what gives one', async () => {
    expect(await whyNot(valueOf({ credential: 'smtp_pass', default: 'not taken' }))).toBe(
      'credential smtp_pass: CREDENTIALS_DIRECTORY is not set: give the systemd unit LoadCredential=smtp_pass:/path/to/file, or write { file: … }',
    )
  })
})

describe('dotenv', () => {
  it.each([
    ['plain', 'A=1\nB=2', { A: '1', B: '2' }],
    ['CRLF', 'A=1\r\nB="x"\r\nC=3 # c\r\n', { A: '1', B: 'x', C: '3' }],
    ['a byte order mark', '\uFEFFA=1', { A: '1' }],
    ['export', 'export A=1\nexport  B=2\nexport\tC=3', { A: '1', B: '2', C: '3' }],
    ['indentation', '  A = 1 \n\tB=2', { A: '1', B: '2' }],
    ['comments', '# A=0\nA=1 # one\nB="2 # two" # three', { A: '1', B: '2 # two' }],
    [
      'quotes',
      `A="it's"\nB='say "x"'\nC=\`'"\`\nD="unclosed\nE=5`,
      { A: "it's", B: 'say "x"', C: `'"`, D: '"unclosed', E: '5' },
    ],
    ['escapes', String.raw`A="a\nb"` + '\n' + String.raw`B='a\nb'`, { A: 'a\nb', B: String.raw`a\nb` }],
    ['values over lines', 'A="-----BEGIN\nB=x\n-----END"\nC=3', { A: '-----BEGIN\nB=x\n-----END', C: '3' }],
    ['a line without =', 'A\nB=2', { B: '2' }],
    ['the last of two', 'A=1\nA=2', { A: '2' }],
    ['an empty value', 'A=\nB=2', { A: '', B: '2' }],
    ['no expansion', 'A=$B${C}', { A: '$B${C}' }],
    ['a # in a value, where the applications cut as well', 'URL=postgres://u:p#w@h/db', { URL: 'postgres://u:p' }],
  ])('reads %s', (_, text, settings) => {
    expect(parseDotenv(text)).toEqual(settings)
  })

  it('is one value, or all settings', async () => {
    const dotenv = await file(`DATABASE_URL="postgres://u:${canary}@h/db"\nSMTP_PORT=587\nEMPTY=\n`, '.env')
    const references = referencesTo({})
    expect(await references.value({ dotenv, key: 'DATABASE_URL' }, never)).toBe(`postgres://u:${canary}@h/db`)
    expect(await references.settings({ dotenv }, never)).toMatchObject({ SMTP_PORT: '587', EMPTY: '' })
    const why = (reference: Reference) => whyNot(references.value(reference, never))
    expect(await why({ dotenv, key: 'NOPE' })).toBe(`dotenv ${dotenv}#NOPE: has no NOPE`)
    expect(await why({ dotenv, key: 'toString' })).toBe(`dotenv ${dotenv}#toString: has no toString`)
    expect(await why({ dotenv, key: 'EMPTY', default: 'x' })).toBe(`dotenv ${dotenv}#EMPTY: EMPTY is empty`)
    expect(await references.value({ dotenv, key: 'NOPE', default: 'smtp' }, never)).toBe('smtp')
  })

  it('is expanded where that is said, and not taken where it would be and is not said', async () => {
    const dotenv = await file(`PASS=${canary}\nUSER=app\nURL="postgres://$USER:\${PASS}@db/app"\n`, '.env')
    const url = (more: object) => valueOf({ dotenv, key: 'URL', ...more })
    expect(await url({ expand: true })).toBe(`postgres://app:${canary}@db/app`)
    expect(await url({ expand: false })).toBe('postgres://$USER:${PASS}@db/app')
    expect(await whyNot(url({ default: 'not taken' }))).toBe(
      `dotenv ${dotenv}#URL: URL holds \${USER}: set \`expand: true\` if the application's loader expands it, \`expand: false\` if it takes it as written`,
    )
    // The others are there all the same.
    expect(await valueOf({ dotenv, key: 'PASS' })).toBe(canary)
    const references = referencesTo({})
    const all = await references.settings({ dotenv }, never)
    expect(all).toMatchObject({ USER: 'app', URL: { why: expect.stringContaining('holds ${USER}') as string } })
    expect(await references.settings({ dotenv, expand: true }, never)).toMatchObject({
      URL: `postgres://app:${canary}@db/app`,
    })
  })

  it('has no default where the file cannot be read', async () => {
    const reference = { dotenv: '/nowhere/.env', key: 'A', default: 'smtp' }
    expect(await whyNot(valueOf(reference))).toBe('dotenv /nowhere/.env#A: there is no such file')
    const all = referencesTo({}).settings({ dotenv: '/nowhere/.env' }, never)
    expect(await whyNot(all)).toBe('dotenv /nowhere/.env: there is no such file')
  })
})

describe('kubernetes', () => {
  const secret = { namespace: 'keybuzz', secret: 'keybuzz-db' }
  const PGHOST = { kubernetes: { ...secret, key: 'PGHOST' } }
  const about = 'kubernetes keybuzz/keybuzz-db#PGHOST: '

  async function start(options: Partial<KubernetesOptions> = {}) {
    const secrets = { 'keybuzz/keybuzz-db': { PGHOST: '10.0.0.122', PGPASSWORD: 'pässword' } }
    const api = await startKubernetesDouble({ token: canary, secrets, ...options })
    onTestFinished(() => api.close())
    const kubernetes = { url: `http://127.0.0.1:${api.port}/`, token: { env: 'KUBE_TOKEN' } }
    const references = referencesTo({ env: { KUBE_TOKEN: canary }, kubernetes })
    return { api, kubernetes, references, why: () => whyNot(references.value(PGHOST, never)) }
  }

  it('is one value, or all settings', async () => {
    const { api, references } = await start()
    expect(await references.value(PGHOST, never)).toBe('10.0.0.122')
    expect(await references.settings({ kubernetes: secret }, never)).toEqual({
      PGHOST: '10.0.0.122',
      PGPASSWORD: 'pässword',
    })
    expect(await references.value({ kubernetes: { ...secret, key: 'NOPE' }, default: 'x' }, never)).toBe('x')
    expect(api.requests[0]).toEqual({
      method: 'GET',
      path: '/api/v1/namespaces/keybuzz/secrets/keybuzz-db',
      token: true,
    })
  })

  it('is text: bytes that are not UTF-8 are no value, and the other keys are there all the same', async () => {
    const { api, references } = await start()
    // Both would be read as U+FFFD and more, and so be the same.
    api.encoded['keybuzz/keybuzz-db'] = { A: '//6Ac2VjcmV0Ymlu', B: 'gYKDc2VjcmV0Ymlu' }
    for (const key of ['A', 'B']) {
      const why = await whyNot(references.value({ kubernetes: { ...secret, key }, default: 'not taken' }, never))
      expect(why).toBe(`kubernetes keybuzz/keybuzz-db#${key}: ${key} is not UTF-8 text`)
    }
    expect(await references.value(PGHOST, never)).toBe('10.0.0.122')
    expect(await references.settings({ kubernetes: secret }, never)).toEqual({
      PGHOST: '10.0.0.122',
      PGPASSWORD: 'pässword',
      A: { why: 'is not UTF-8 text' },
      B: { why: 'is not UTF-8 text' },
    })
  })

  it('says what to do about each refusal, and takes no default then', async () => {
    const { api, why, references } = await start()
    api.forbid = true
    const server = `${about}the API server 127.0.0.1:${api.port}: `
    expect(await why()).toBe(
      `${about}403 forbidden: grant "system:serviceaccount:monitoring:mailpath-exporter" get on this Secret, ` +
        'or correct the name: with resourceNames a wrong name is 403 too',
    )
    api.forbid = false
    api.token = 'rotated'
    expect(await why()).toBe(`${server}401 unauthorized: the token or client certificate is not valid, or no longer`)
    api.token = canary
    api.secrets = {}
    const missing = references.value({ ...PGHOST, default: 'x' }, never)
    expect(await whyNot(missing)).toBe(`${about}404 not found: there is no such Secret in this namespace`)
    api.misbehaviour = 'html'
    expect(await why()).toBe(`${server}HTTP 503, not an answer of a Kubernetes API server`)
    api.misbehaviour = 'throttled'
    expect(await why()).toBe(`${server}429 too many requests; it asks to wait for 1 s`)
    api.misbehaviour = 'no etcd'
    expect(await why()).toBe(`${server}it answered 500: etcdserver: request timed out`)
    await api.close()
    expect(await why()).toBe(`${server}connect ECONNREFUSED`)
  })

  it('is left when the signal aborts', async () => {
    const { api, references } = await start()
    api.misbehaviour = 'silent'
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('no answer within 0.2 s')), 200)
    expect(await whyNot(references.value(PGHOST, stop.signal))).toBe(
      `${about}the API server 127.0.0.1:${api.port}: no answer within 0.2 s`,
    )
  })

  it('trusts the authority of ca_file', async () => {
    const { ca, good } = await certificates()
    const { api, kubernetes } = await start({ tls: good })
    const over = (more: object) => {
      const url = kubernetes.url.replace('http:', 'https:')
      return valueOf(PGHOST, { env: { KUBE_TOKEN: canary }, kubernetes: { ...kubernetes, url, ...more } })
    }
    expect(await over({ ca_file: await file(ca, 'ca.crt') })).toBe('10.0.0.122')
    expect(await whyNot(over({}))).toContain('certificate')
    expect(await whyNot(over({ ca_file: '/nowhere/ca.crt' }))).toBe(`${about}/nowhere/ca.crt: there is no such file`)
    expect(api.requests).toHaveLength(1)
  })

  it('finds the cluster it runs in', async () => {
    expect(inClusterUrl({ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' })).toBe(
      'https://10.96.0.1:443',
    )
    expect(inClusterUrl({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' })).toBe(
      'https://[fd00::1]:6443',
    )
    expect(inClusterUrl({})).toBeUndefined()
    expect(await whyNot(valueOf(PGHOST))).toBe(
      `${about}not inside of a cluster (no KUBERNETES_SERVICE_HOST): set kubernetes.kubeconfig, or kubernetes.url and token`,
    )
  })

  it('names the token that is not to be had', async () => {
    const { kubernetes } = await start()
    expect(await whyNot(valueOf(PGHOST, { kubernetes }))).toBe(
      `${about}kubernetes.token: env KUBE_TOKEN: KUBE_TOKEN is not set`,
    )
  })
})

describe('vault', () => {
  const path = 'secret/data/keybuzz/smtp'
  const SMTP_PASS = { vault: { target: 'vault-01', path, key: 'SMTP_PASS' } }
  const about = `vault vault-01 ${path}#SMTP_PASS: `

  async function start() {
    const double = await startVaultDouble({ token: canary, secrets: { [path]: { SMTP_PASS: 'hunter2', EMPTY: '' } } })
    onTestFinished(() => double.close())
    const vaults = [{ name: 'vault-01', url: `http://127.0.0.1:${double.port}`, token: { env: 'VAULT' } }]
    const references = referencesTo({ env: { VAULT: canary }, vaults })
    const value = (key: string, more: Partial<Reference> = {}) =>
      references.value({ vault: { target: 'vault-01', path, key }, ...more }, never)
    return { double, vaults, value, why: () => whyNot(value('SMTP_PASS', { default: 'not taken' })) }
  }

  it('is a key of a secret, read again each time', async () => {
    const { double, value } = await start()
    expect(await value('SMTP_PASS')).toBe('hunter2')
    double.put(path, { SMTP_PASS: 'rotated' })
    expect(await value('SMTP_PASS')).toBe('rotated')
    expect(await value('NOPE', { default: 'x' })).toBe('x')
    expect(await whyNot(value('NOPE'))).toContain('has no NOPE')
    double.put(path, { SMTP_PASS: 'bytes that were \uFFFD' })
    expect(await whyNot(value('SMTP_PASS'))).toBe(`${about}SMTP_PASS is not UTF-8 text`)
  })

  it('says why it cannot be had', async () => {
    const { double, why, value } = await start()
    expect(await whyNot(value('EMPTY'))).toContain('EMPTY is empty')
    double.deny(path)
    expect(await why()).toBe(
      `${about}vault-01: the token may not read it (HTTP 403: 1 error occurred: * permission denied)`,
    )
    double.deny(path, false)
    double.remove(path, 'destroyed')
    expect(await why()).toBe(`${about}vault-01: its current version was destroyed`)
    double.state = 'sealed'
    expect(await why()).toBe(`${about}vault-01 is sealed`)
    double.answer('html502')
    expect(await why()).toBe(`${about}vault-01: HTTP 502, not an answer of a Vault`)
    await double.close()
    expect(await why()).toBe(`${about}vault-01: 127.0.0.1:${double.port}: connect ECONNREFUSED`)
  })

  it('trusts the authority of ca_file of the target', async () => {
    const { ca, good } = await certificates()
    const double = await startVaultDouble({ token: canary, tls: good, secrets: { [path]: { SMTP_PASS: 'hunter2' } } })
    onTestFinished(() => double.close())
    const target = { name: 'vault-01', url: `https://127.0.0.1:${double.port}`, token: { env: 'VAULT' } }
    const over = (more: object) => valueOf(SMTP_PASS, { env: { VAULT: canary }, vaults: [{ ...target, ...more }] })
    expect(await over({ ca_file: await file(ca, 'ca.crt') })).toBe('hunter2')
    expect(await whyNot(over({}))).toContain('certificate')
    // Before its first use it is looked into whether the token is a wrapping token.
    expect(double.requests).toHaveLength(2)
  })

  it('names the path of KV version 2', async () => {
    const { vaults } = await start()
    const vault = { target: 'vault-01', path: 'secret/keybuzz/smtp', key: 'A' }
    const why = await whyNot(valueOf({ vault }, { env: { VAULT: canary }, vaults }))
    expect(why).toContain(`is this a KV version 2 mount? then the path is ${path}`)
  })

  it('says what is wrong with the target', async () => {
    const { vaults } = await start()
    expect(await whyNot(valueOf(SMTP_PASS, { vaults }))).toBe(`${about}no token: env VAULT: VAULT is not set`)
    const [{ name, url }] = vaults as [(typeof vaults)[number]]
    expect(await whyNot(valueOf(SMTP_PASS, { vaults: [{ name, url }] }))).toBe(
      `${about}vault-01 has no token in the configuration`,
    )
    expect(await whyNot(valueOf(SMTP_PASS))).toBe(`${about}there is no vault target vault-01`)
  })

  it('is left when the signal aborts', async () => {
    const { double, vaults } = await start()
    double.answer('drip')
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('no answer within 0.2 s')), 200)
    const asked = valueOf(SMTP_PASS, { env: { VAULT: canary }, vaults }, stop.signal)
    expect(await whyNot(asked)).toBe(`${about}vault-01: 127.0.0.1:${double.port}: no answer within 0.2 s`)
  })
})
