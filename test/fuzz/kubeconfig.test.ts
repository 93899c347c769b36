import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readKubeconfig } from '../../src/references/kubeconfig.ts'
import { bounded, patienceMs } from './limits.ts'

const canary = 'Canary7Zq'
const text = fc.constantFrom(canary, 'a', 'b', '', `https://u:${canary}@k8s`, 'https://10.0.0.1:6443')
const anything = fc.oneof({ weight: 3, arbitrary: text }, fc.constantFrom<unknown>(null, 1, true, [], {}, [canary]))
const maybe = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof({ weight: 6, arbitrary: fc.record(fields, { requiredKeys: [] }) }, anything)
const listOf = (what: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(maybe({ name: fc.constantFrom('a', 'b'), [what]: maybe(fields) }), { maxLength: 3 }),
    },
    anything,
  )
const kubeconfig = maybe({
  'current-context': fc.constantFrom('a', 'a', 'b', canary),
  contexts: listOf('context', { cluster: fc.constantFrom('a', 'b'), user: fc.constantFrom('a', 'b') }),
  clusters: listOf('cluster', {
    server: fc.constantFrom('https://10.0.0.1:6443', 'https://10.0.0.1:6443', canary, `https://u:${canary}@k8s`),
    'certificate-authority-data': anything,
    'proxy-url': fc.constantFrom(undefined, undefined, canary),
  }),
  users: listOf('user', {
    token: anything,
    tokenFile: fc.constantFrom(undefined, 'token'),
    exec: fc.constantFrom(undefined, undefined, undefined, { command: canary }),
    'client-key-data': fc.constantFrom(undefined, undefined, canary),
  }),
})
/** A file edited by hand, too. */
const edited = fc
  .tuple(
    kubeconfig,
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom('', '', '\t', '"', ': ', '- ', '{', '&a '),
  )
  .map(([contents, at, put]) => {
    const text = stringify(contents)
    const from = Math.floor(at * text.length)
    return text.slice(0, from) + put + text.slice(from)
  })

it(
  'takes a login out of a kubeconfig, or says what is wrong and repeats nothing of it',
  { timeout: patienceMs },
  () => {
    fc.assert(
      fc.property(edited, text => {
        try {
          const { url, token, cert } = readKubeconfig(text, '/etc/mailpath', undefined)
          expect(url).toMatch(/^https?:\/\/[^@]+$/)
          expect(token ?? cert).toBeDefined()
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'Error') throw error
          expect(error.message).not.toContain(canary)
          expect(error.message).toMatch(/^[^\p{Cc}]{10,}$/u)
        }
      }),
      bounded(4),
    )
  },
)
