import { describe, expect, it, onTestFinished } from 'vitest'
import { createReferences } from '../../src/references/index.ts'
import type { ApiServerAnswer } from '../../src/core/reference.ts'
import { kubernetes } from '../../src/probes/kubernetes/index.ts'
import { certificates } from '../servers/certificates.ts'
import { startKubernetesDouble, type KubernetesKnobs, type KubernetesOptions } from '../servers/kubernetes-double.ts'
import { canary, probeContract } from './contract.ts'
import { look } from './look.ts'
import { valueOf } from './values.ts'

const target = { name: 'api-server', secret: { namespace: 'mail', secret: 'app' }, access: undefined }

const referencesTo = (port: number, scheme = 'http', token = canary) =>
  createReferences({
    env: { T: token },
    vaults: [],
    kubernetes: { url: `${scheme}://127.0.0.1:${port}`, token: { env: 'T' } },
  })

probeContract(kubernetes, () => target, { opening: 'HTTP/1.1 200 OK\r\n', references: port => referencesTo(port) })

async function start(options: Partial<KubernetesOptions> = {}) {
  const api = await startKubernetesDouble({ token: canary, secrets: { 'mail/app': { PASS: 'x' } }, ...options })
  onTestFinished(() => api.close())
  return api
}

const works = { verdict: 'ok', reachable: 1, authenticated: 1 }

describe('the API server', () => {
  it.each<[string, (api: KubernetesKnobs) => unknown, Parameters<typeof asExpected>[0]]>([
    ['gives the Secret', () => undefined, works],
    ['does not let us read it', api => (api.forbid = true), works],
    ['has no such Secret', api => (api.secrets = {}), works],
    [
      'does not accept the token',
      api => (api.token = 'another'),
      { verdict: 'fail', reachable: 1, authenticated: 0, reason: /^kubernetes_unauthorized .*: 401 unauthorized: / },
    ],
    [
      'has too many requests',
      api => (api.misbehaviour = 'throttled'),
      {
        verdict: 'unknown',
        reachable: 1,
        reason: /^kubernetes_throttled .*: 429 too many requests; it asks to wait for 1 s$/,
      },
    ],
    [
      'cannot reach etcd',
      api => (api.misbehaviour = 'no etcd'),
      {
        verdict: 'fail',
        reachable: 1,
        reason: /^kubernetes_failed .*: it answered 500: etcdserver: request timed out$/,
      },
    ],
    [
      'is not behind its load balancer',
      api => (api.misbehaviour = 'html'),
      { verdict: 'fail', reachable: 1, reason: /^kubernetes_not_an_api_server .*: HTTP 503, not an answer of/ },
    ],
    [
      'is silent',
      api => (api.misbehaviour = 'silent'),
      { verdict: 'fail', reachable: 0, reason: /^kubernetes_no_answer the API server .*: no answer within 0.5 s$/ },
    ],
  ])('%s', async (_, turn, expected) => {
    const api = await start()
    turn(api)
    expect(await seen(api.port, referencesTo(api.port))).toEqual(asExpected(expected))
  })

  it('is not running, or not trusted, or not the one for whom there is a token', async () => {
    const { good } = await certificates()
    const api = await start({ tls: good })
    expect(await seen(api.port, referencesTo(api.port, 'https'))).toEqual(
      asExpected({ verdict: 'fail', reachable: 0, reason: /^kubernetes_tls_failed / }),
    )
    expect(await seen(api.port, referencesTo(api.port, 'https', ' '))).toEqual(
      asExpected({ verdict: 'unknown', reason: /^kubernetes_access_unresolved kubernetes.token: / }),
    )
    await api.close()
    expect(await seen(api.port, referencesTo(api.port))).toEqual(
      asExpected({ verdict: 'fail', reachable: 0, reason: /^kubernetes_unreachable .*: connect ECONNREFUSED$/ }),
    )
  })

  it('takes us for an anonymous client if something between takes the login away', () => {
    const answer: ApiServerAnswer = { kind: 'unauthorized', address: '10.0.0.1:6443', text: '403 forbidden to …' }
    const found = kubernetes.judge({ answer, waited: '' }, target)
    expect([found.verdict, valueOf(found, 'mailpath_kubernetes_authenticated')]).toEqual(['fail', 0])
  })
})

/** What is not said is not there; a pattern stands for the reason. */
function asExpected({ reason, ...rest }: { reason?: RegExp } & Record<string, unknown>): object {
  const absent = { reachable: undefined, authenticated: undefined }
  return { ...absent, ...rest, reason: reason && (expect.stringMatching(reason) as unknown) }
}

async function seen(port: number, references: ReturnType<typeof referencesTo>) {
  const observation = await look(kubernetes, target, { references, timeoutMs: 500 })
  const [reason] = observation?.reasons ?? []
  const sampleOf = (name: string) => observation && valueOf(observation, `mailpath_kubernetes_${name}`)
  expect(JSON.stringify(observation)).not.toContain(canary)
  return {
    verdict: observation?.verdict,
    reachable: sampleOf('reachable'),
    authenticated: sampleOf('authenticated'),
    reason: reason && `${reason.code} ${reason.text}`,
  }
}
