import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Sources } from '../../src/references/index.ts'
import { certificates, type Certificates } from '../servers/certificates.ts'
import { startKubernetesDouble, type KubernetesOptions } from '../servers/kubernetes-double.ts'
import { canary, file, folder, never, referencesTo, whyNot } from './resolve.ts'

const PGHOST = { kubernetes: { namespace: 'keybuzz', secret: 'keybuzz-db', key: 'PGHOST' } }
const about = 'kubernetes keybuzz/keybuzz-db#PGHOST: '

let made: Certificates
beforeAll(async () => {
  made = await certificates()
})

async function startApi(options: Partial<KubernetesOptions> = {}) {
  const secrets = { 'keybuzz/keybuzz-db': { PGHOST: '10.0.0.122' }, 'mailpath/keybuzz-db': { PGHOST: 'own' } }
  const api = await startKubernetesDouble({ token: canary, tls: made.good, secrets, ...options })
  onTestFinished(() => api.close())
  return api
}

describe('inside of a cluster', () => {
  async function pod() {
    const api = await startApi()
    const serviceAccount = await folder()
    const mount = (name: string, text: string) => writeFile(join(serviceAccount, name), text)
    await Promise.all([mount('token', `${canary}\n`), mount('ca.crt', made.ca), mount('namespace', 'mailpath')])
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) }
    const sources: Partial<Sources> = { env, serviceAccount }
    return { api, mount, serviceAccount, references: referencesTo(sources) }
  }

  it('everything is where the service account is mounted, the namespace too', async () => {
    const { api, references } = await pod()
    expect(await references.value(PGHOST, never)).toBe('10.0.0.122')
    expect(await references.value({ kubernetes: { secret: 'keybuzz-db', key: 'PGHOST' } }, never)).toBe('own')
    expect(await references.settings({ kubernetes: { secret: 'keybuzz-db' } }, never)).toEqual({ PGHOST: 'own' })
    expect(api.requests.map(({ path }) => path.split('/')[4])).toEqual(['keybuzz', 'mailpath', 'mailpath'])
  })

  it('takes the token that is there now', async () => {
    const { api, mount, references } = await pod()
    expect(await references.value(PGHOST, never)).toBe('10.0.0.122')
    api.token = 'the next token'
    expect(await whyNot(references.value(PGHOST, never))).toContain('401 unauthorized')
    await mount('token', 'the next token')
    expect(await references.value(PGHOST, never)).toBe('10.0.0.122')
  })

  it('says which of it is missing', async () => {
    const { serviceAccount, references } = await pod()
    const own = { kubernetes: { secret: 'keybuzz-db', key: 'PGHOST' } }
    await rm(join(serviceAccount, 'namespace'))
    expect(await whyNot(references.value(own, never))).toBe(
      'kubernetes keybuzz-db#PGHOST: the namespace of the service account: there is no such file',
    )
    await rm(join(serviceAccount, 'ca.crt'))
    expect(await whyNot(references.value(PGHOST, never))).toBe(
      `${about}the ca.crt of the service account: there is no such file; mount it, or set kubernetes.ca_file`,
    )
    await rm(join(serviceAccount, 'token'))
    expect(await whyNot(references.value(PGHOST, never))).toBe(
      `${about}the token of the service account: there is no such file`,
    )
  })
})

describe('what is mounted wrongly is named, and nothing is asked', () => {
  it.each<[string, string, (of: Certificates) => string | Uint8Array, string]>([
    ['an empty token', 'token', () => '\n', 'the token of the service account: is empty; expected a token'],
    [
      'two tokens',
      'token',
      () => `${canary}\n${canary}\n`,
      'the token of the service account: has more than one line; expected one token',
    ],
    [
      'a token of other characters',
      'token',
      () => `${canary}ß`,
      'the token of the service account: has characters that no token has; expected one token',
    ],
    ['an empty authority', 'ca.crt', () => '', 'the ca.crt of the service account: is empty; expected a certificate'],
    [
      'no authority',
      'ca.crt',
      () => 'not a certificate',
      'the ca.crt of the service account: is not PEM: it has no line -----BEGIN CERTIFICATE-----',
    ],
    [
      'a key for an authority',
      'ca.crt',
      of => of.good.key,
      'the ca.crt of the service account: holds a private key and no certificate',
    ],
  ])('%s', async (_, name, content, why) => {
    const api = await startApi()
    const serviceAccount = await folder()
    const mount = (file: string, text: string | Uint8Array) => writeFile(join(serviceAccount, file), text)
    await Promise.all([mount('token', canary), mount('ca.crt', made.ca), mount('namespace', 'mailpath')])
    await mount(name, content(made))
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(api.port) }
    expect(await whyNot(referencesTo({ env, serviceAccount }).value(PGHOST, never))).toContain(`${about}${why}`)
    const url = `https://127.0.0.1:${api.port}`
    // An authority that is there and wrong is no reason to trust the system's.
    expect(await whyNot(referencesTo({ kubernetes: { url }, serviceAccount }).value(PGHOST, never))).toContain(why)
    expect(api.requests).toEqual([])
  })
})

it('reads a Secret of the size that Kubernetes allows', async () => {
  const PGHOST = 'h'.repeat(1_048_576 - 100)
  const { port } = await startApi({ secrets: { 'keybuzz/keybuzz-db': { PGHOST } } })
  const kubernetes = { url: `https://127.0.0.1:${port}`, token: { env: 'T' }, ca_file: await file(made.ca) }
  const references = referencesTo({ env: { T: canary }, kubernetes })
  const source = { kubernetes: { namespace: 'keybuzz', secret: 'keybuzz-db', key: 'PGHOST' } }
  expect((await references.value(source, never)).length).toBe(PGHOST.length)
})

it('says to the API server who asks', async () => {
  const api = await startApi()
  const kubernetes = { url: `https://127.0.0.1:${api.port}`, token: { env: 'T' }, ca_file: await file(made.ca) }
  await referencesTo({ env: { T: canary }, kubernetes }).value(PGHOST, never)
  expect(api.agents).toEqual([expect.stringMatching(/^mailpath-exporter\/\d+\.\d+\.\d+$/)])
})

describe('by kubeconfig', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  /** A kubeconfig with one context, and what differs from a good one. */
  const contents = (port: number, user: object, cluster: object = {}, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'production',
    contexts: [
      { name: 'other', context: { cluster: 'gone', user: 'gone' } },
      { name: 'production', context: { cluster: 'main', user: 'mailpath', namespace: 'ignored' } },
    ],
    clusters: [
      {
        name: 'main',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(made.ca), ...cluster },
      },
    ],
    users: [{ name: 'mailpath', user }],
    ...more,
  })

  /** Asks by way of a kubeconfig with these contents. */
  async function ask(contents: object | string, context?: string) {
    const kubeconfig = await file(typeof contents === 'string' ? contents : stringify(contents), 'kubeconfig')
    const references = referencesTo({ kubernetes: { kubeconfig, context } })
    return { kubeconfig, value: () => references.value(PGHOST, never) }
  }

  it('logs in with the token of the user', async () => {
    const { port } = await startApi()
    const { value } = await ask(contents(port, { token: canary }))
    expect(await value()).toBe('10.0.0.122')
  })

  it('reads the files beside it again each time; a token file wins over a token', async () => {
    const api = await startApi()
    const { kubeconfig, value } = await ask(
      contents(
        api.port,
        { token: 'old', tokenFile: 'secrets/token' },
        { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.crt' },
      ),
    )
    const beside = (name: string, text: string) => writeFile(join(kubeconfig, '..', name), text)
    await mkdir(join(kubeconfig, '..', 'secrets'))
    await Promise.all([beside('ca.crt', made.ca), beside('secrets/token', `${canary}\n`)])
    expect(await value()).toBe('10.0.0.122')
    api.token = 'rotated'
    await beside('secrets/token', 'rotated')
    expect(await value()).toBe('10.0.0.122')
    await rm(join(kubeconfig, '..', 'secrets/token'))
    expect(await whyNot(value())).toBe(`${about}${join(kubeconfig, '..', 'secrets/token')}: there is no such file`)
  })

  it.each(['data', 'files'])('logs in with a client certificate, as %s', async how => {
    const api = await startApi({ clientCa: made.ca })
    const { cert, key } = made.client
    const user =
      how === 'data'
        ? { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) }
        : { 'client-certificate': await file(cert), 'client-key': await file(key) }
    const { value } = await ask(contents(api.port, user))
    expect(await value()).toBe('10.0.0.122')
    expect(api.requests).toMatchObject([{ token: false }])
  })

  it('trusts only the authority it names, and only for the name it names', async () => {
    const { port } = await startApi({ tls: made.wrongName })
    const login = { token: canary }
    expect(await whyNot((await ask(contents(port, login))).value())).toContain('the certificate is not for 127.0.0.1')
    const named = contents(port, login, { 'tls-server-name': 'other.example' })
    expect(await (await ask(named)).value()).toBe('10.0.0.122')
    const untrusted = contents(port, login, { 'certificate-authority-data': undefined })
    expect(await whyNot((await ask(untrusted)).value())).toContain('certificate')
  })

  it('takes the context that the configuration names', async () => {
    const { port } = await startApi()
    const other = contents(port, { token: canary }, {}, { 'current-context': 'other' })
    expect(await (await ask(other, 'production')).value()).toBe('10.0.0.122')
    const { kubeconfig, value } = await ask(other)
    expect(await whyNot(value())).toBe(`${about}${kubeconfig}: the cluster of the context is none of its clusters`)
  })

  const instead =
    'give the user a token or a client certificate, for example the token of a service account (kubectl create token)'
  it.each<[string, object | string, string]>([
    [
      'an exec plugin',
      { exec: { command: canary } },
      `the user logs in by an exec plugin, which is not run here; ${instead}`,
    ],
    [
      'an auth provider',
      { 'auth-provider': { name: canary } },
      `the user logs in by an auth-provider, which is not supported here; ${instead}`,
    ],
    [
      'impersonation',
      { token: canary, as: canary },
      `the user impersonates another, which is not supported here; ${instead}`,
    ],
    ['a password', { username: canary, password: canary }, `the user has nothing to log in with; ${instead}`],
    [
      'half of a client certificate',
      { 'client-certificate-data': base64('-----BEGIN CERTIFICATE-----') },
      'client-certificate and client-key of the user go together, and one of them is missing',
    ],
    ['no PEM', { 'client-key-data': canary }, 'client-key-data is not PEM in base64'],
    ['an empty token', { token: '' }, `the user has nothing to log in with; ${instead}`],
    ['a token of two lines', { token: `${canary}\n${canary}` }, 'token: has more than one line; expected one token'],
  ])('says what to do instead of %s', async (_, user, why) => {
    const { kubeconfig, value } = await ask(contents(1, user as object))
    expect(await whyNot(value())).toBe(`${about}${kubeconfig}: ${why}`)
  })

  it.each<[string, object, string]>([
    [
      'skips verification',
      { 'insecure-skip-tls-verify': true },
      'insecure-skip-tls-verify is set, and certificates are',
    ],
    ['goes by a proxy', { 'proxy-url': `http://${canary}` }, 'the cluster has a proxy-url, and proxies are not used'],
    ['has no server', { server: undefined }, 'the server of the cluster is not a URL such as https://10.0.0.1:6443'],
    ['holds a password in the URL', { server: `https://u:${canary}@k8s` }, 'the server of the cluster is not a URL'],
  ])('says what is wrong with a cluster that %s', async (_, cluster, why) => {
    const { kubeconfig, value } = await ask(contents(1, { token: canary }, cluster))
    expect(await whyNot(value())).toContain(`${about}${kubeconfig}: ${why}`)
  })

  it.each<[string, object | string, string]>([
    ['is no YAML', `a: "${canary}\n`, 'line 2:1: not valid YAML'],
    ['is something else', canary, 'has no current-context; set kubernetes.context'],
    ['has a context that is not there', { 'current-context': canary }, 'its current-context is none of its contexts'],
    [
      'has a user that is not there',
      {
        ...{ 'current-context': 'a', contexts: [{ name: 'a', context: { cluster: 'c', user: canary } }] },
        clusters: [{ name: 'c' }],
      },
      'the user of the context is none of its users',
    ],
  ])('quotes nothing of a file that %s', async (_, contents, why) => {
    const { kubeconfig, value } = await ask(contents)
    expect(await whyNot(value())).toContain(`${about}${kubeconfig}: ${why}`)
  })

  it('names what is wrong with a client certificate, its key or an authority', async () => {
    const { client, good, ca } = made
    const data = (cert: string, key: string) => ({
      'client-certificate-data': base64(cert),
      'client-key-data': base64(key),
    })
    const mixed = await ask(contents(1, data(client.cert, good.key)))
    expect(await whyNot(mixed.value())).toBe(
      `${about}${mixed.kubeconfig}: client-key-data: the key does not belong to the certificate of ` +
        `${mixed.kubeconfig}: client-certificate-data`,
    )
    const broken = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'
    const damaged = await ask(contents(1, data(client.cert, broken)))
    expect(await whyNot(damaged.value())).toBe(
      `${about}${damaged.kubeconfig}: client-key-data: the private key in it is damaged`,
    )
    const [cert, key] = [await file(client.cert, 'client.crt'), await file('', 'client.key')]
    const empty = await ask(contents(1, { 'client-certificate': cert, 'client-key': key }))
    expect(await whyNot(empty.value())).toBe(`${about}${key}: is empty; expected a private key in PEM`)
    const half = ca.slice(0, 200)
    const authority = await ask(contents(1, { token: canary }, { 'certificate-authority-data': base64(half) }))
    expect(await whyNot(authority.value())).toBe(
      `${about}${authority.kubeconfig}: certificate-authority-data: the certificate in it is damaged`,
    )
  })

  it('names the file and the context that are not there', async () => {
    const kubernetes = { kubeconfig: '/nowhere/kubeconfig' }
    const why = await whyNot(referencesTo({ kubernetes }).value(PGHOST, never))
    expect(why).toBe(`${about}/nowhere/kubeconfig: there is no such file`)
    const { kubeconfig, value } = await ask(contents(1, { token: canary }), 'prodcution')
    expect(await whyNot(value())).toBe(`${about}${kubeconfig}: has no context prodcution`)
  })
})
