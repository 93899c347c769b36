import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { Unresolved } from '../../src/core/errors.ts'
import { failureOf, finding, reasonsOf } from '../../src/core/probe.ts'
import { notLookedAt, withoutOurs } from '../../src/core/starved.ts'
import { inPlaceOf, ofThisHost, wantOf, type Resource } from '../../src/core/want.ts'
import { checkOf, codesOf, noReferences, reason } from '../monitor/checks.ts'
import { run } from '../../src/monitor/run.ts'

/** As Node makes them. `at once`: of connect(2) itself, with its own end of the socket in the message. */
function failed(code: string, at: { syscall?: string; address?: string; port?: number; atOnce?: boolean } = {}): Error {
  const { syscall = 'connect', address = '192.0.2.1', port = 5432, atOnce = true } = at
  const where = syscall === 'connect' ? ` ${address}:${port}${atOnce ? ' - Local (0.0.0.0:0)' : ''}` : ''
  return Object.assign(new Error(`${syscall} ${code}${where}`), {
    code,
    syscall,
    errno: -1,
    ...(syscall === 'connect' && { address, port }),
  })
}

const noDescriptor = failed('EMFILE')
const noRoute = failed('ENETUNREACH', { address: '2001:db8::1' })
const refused = failed('ECONNREFUSED', { atOnce: false })

describe('what is wanting', () => {
  it.each<[string, unknown, Resource | undefined]>([
    ['no descriptor', noDescriptor, 'file_descriptors'],
    ['none on the whole host', failed('ENFILE', { syscall: 'open' }), 'file_descriptors'],
    ['no local port', failed('EADDRNOTAVAIL', { address: '127.0.0.1' }), 'ports'],
    ['no memory for a socket', failed('ENOBUFS'), 'memory'],
    ['no route', failed('ENETUNREACH'), 'network'],
    ['a route that this host calls unreachable', failed('EHOSTUNREACH'), 'network'],
    ['a rule of this host', failed('EPERM'), 'network'],
    ['the kind of address is switched off', failed('EAFNOSUPPORT'), 'network'],
    ['an address of many hosts', failed('ENETUNREACH', { address: '224.0.0.1' }), undefined],
    ['an IPv6 address of many hosts', failed('ENETUNREACH', { address: 'ff02::1' }), undefined],
    ['an address of all hosts', failed('ENETUNREACH', { address: '255.255.255.255' }), undefined],
    ['an address of all hosts of a network of ours', failed('ENETUNREACH', { address: '127.255.255.255' }), undefined],
    ['a router says that there is no way', failed('ENETUNREACH', { atOnce: false }), undefined],
    ['nobody answers for the host in its network', failed('EHOSTUNREACH', { atOnce: false }), undefined],
    ['refused', refused, undefined],
    [
      'the file of a Unix socket is not for us',
      Object.assign(new Error('connect EACCES /s'), { code: 'EACCES', syscall: 'connect', address: '/s' }),
      undefined,
    ],
    [
      'a server that says such a code',
      Object.assign(new Error('no'), { code: 'EMFILE', severity: 'FATAL' }),
      undefined,
    ],
    ['all addresses, for want of a descriptor', new AggregateError([noDescriptor, noDescriptor]), 'file_descriptors'],
    [
      'no descriptor for one address, and the other refuses',
      new AggregateError([noDescriptor, refused]),
      'file_descriptors',
    ],
    ['no route to one address, and the other refuses', new AggregateError([noRoute, refused]), undefined],
    ['no route to any address', new AggregateError([noRoute, noRoute]), 'network'],
    ['the cause of another', new Error('fetch failed', { cause: noDescriptor }), 'file_descriptors'],
    [
      'what stands in its place',
      inPlaceOf(new Unresolved('password: file /p'), new Error('', { cause: noDescriptor })),
      'file_descriptors',
    ],
    [
      'a library that cannot be loaded',
      Object.assign(new Error("Cannot find module 'pg'"), { code: 'MODULE_NOT_FOUND' }),
      'file_descriptors',
    ],
    ['a UDP socket without a route', ofThisHost(failed('ENETUNREACH', { atOnce: false })), 'network'],
    ['no error at all', undefined, undefined],
  ])('%s', (_, error, resource) => {
    expect(wantOf(error)?.resource).toBe(resource)
  })

  it('is said by Node as it is here', async () => {
    const socket = net.connect({ host: '255.255.255.255', port: 9 })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(wantOf(error)).toBeUndefined()
    // As it would say it of an address of one host.
    expect(wantOf(Object.assign(error, { address: '192.0.2.1' }))?.resource).toBe('network')
    // Of an answer it names the other end alone: by that the two differ.
    const closed = net.createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as net.AddressInfo
    closed.close()
    const [answer] = (await once(net.connect(port, '127.0.0.1'), 'error')) as [unknown]
    expect(String(answer)).toMatch(/connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
  })
})

const reasons = reasonsOf({
  unreachable: { verdict: 'fail', severity: 'high', meaning: '', remedy: '' },
  read_only: { verdict: 'fail', severity: 'critical', meaning: '', remedy: '' },
  soon: { verdict: 'warn', severity: 'low', meaning: '', remedy: '' },
})
const lack = { want: { resource: 'file_descriptors', code: 'EMFILE' }, text: 'db:5432: connect EMFILE' } as const

describe('a finding', () => {
  it('holds nothing against its target for want of our own, and keeps what an answer proved', () => {
    const ours = reasons('unreachable', 'db:5432: connect EMFILE (phase connect)')
    const proven = reasons('read_only', 'SQLSTATE 25006')
    const warned = reasons('soon', 'expires')
    const seen = { some: 'facts' }
    const of = (...list: (typeof ours)[]) => {
      const left = withoutOurs({ seen, finding: finding('', list, []) }, [lack])
      return [left.finding.verdict, left.finding.reasons.map(({ code }) => code), left.seen]
    }
    expect(of(ours)).toEqual(['unknown', ['exporter_starved'], undefined])
    expect(of(ours, proven)).toEqual(['fail', ['read_only', 'exporter_starved'], seen])
    expect(of(ours, warned)).toEqual(['unknown', ['exporter_starved', 'soon'], undefined])
    expect(of(warned)).toEqual(['warn', ['soon'], seen])
    expect(of(reasons('unreachable', 'put in other words'))).toEqual(['unknown', ['exporter_starved'], undefined])
  })

  it('is the same without any want', () => {
    const looked = { seen: 1, finding: finding('', [reasons('unreachable', 'refused')], []) }
    expect(withoutOurs(looked, [])).toEqual(looked)
  })
})

describe('a run', () => {
  const stop = new AbortController().signal
  const codes = async (look: Parameters<typeof checkOf>[0]) => {
    const ran = await run(checkOf(look), noReferences, stop)
    return ran && codesOf(ran)
  }

  it('of a probe that throws it, or takes it for a failure, says what is wanting', async () => {
    const expected = [['exporter_starved', 'unknown']]
    expect(await codes(() => Promise.reject(noDescriptor))).toEqual(expected)
    expect(
      await codes(look => {
        const failure = failureOf(noDescriptor, look, 'db:5432')
        return Promise.resolve(finding('', [reason('refused', `it said: ${failure.text}`)], []))
      }),
    ).toEqual(expected)
  })

  it('that found another way is as if nothing had been wanting', async () => {
    const found = codes(look => {
      failureOf(noRoute, look, 'db:5432')
      return Promise.resolve(finding('fine', [], []))
    })
    expect(await found).toEqual([])
  })
})

it('what one check says is short, and names what is wanting', () => {
  expect(notLookedAt(lack.want).text).toBe('not looked at: the exporter is short of file descriptors (EMFILE)')
})
