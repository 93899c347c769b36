import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { codeOf, describeError, oneLine, seconds } from '../../src/core/errors.ts'

const withCode = (message: string, code: string, rest: ErrorOptions = {}): Error =>
  Object.assign(new Error(message, rest), { code })
const aggregate = (...errors: readonly unknown[]): AggregateError => new AggregateError(errors, '')

describe('an error as a line', () => {
  it.each<[string, unknown, string]>([
    ['an error', new Error('password authentication failed'), 'password authentication failed'],
    ['a text', 'sealed', 'sealed'],
    ['something else', { secret: 'hunter2' }, 'an unknown error'],
    ['nothing', undefined, 'an unknown error'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['an error with a code only', withCode('', 'ECONNRESET'), 'ECONNRESET'],
    [
      'a refused dual-address connect',
      aggregate(new Error('refused ::1'), new Error('refused 127.0.0.1')),
      'refused ::1; refused 127.0.0.1',
    ],
    ['the same error twice', aggregate(new Error('refused'), new Error('refused')), 'refused'],
    ['an aggregate of nothing', new AggregateError([], 'no address'), 'no address'],
    [
      'what fetch hides',
      new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }),
      'connect ECONNREFUSED 127.0.0.1:1',
    ],
    [
      'an aggregate that fetch hides',
      new TypeError('fetch failed', { cause: aggregate(new Error('a'), new Error('b')) }),
      'a; b',
    ],
    [
      'an error and its cause',
      new Error('cannot read it', { cause: new Error('no such file') }),
      'cannot read it: no such file',
    ],
    [
      'a cause that is told already',
      new Error('read: no such file', { cause: new Error('no such file') }),
      'read: no such file',
    ],
    ['several lines', new Error('no\r\n\tsuch\u0000file \u2028 here\n'), 'no such file   here'],
  ])('%s', (_, error, line) => {
    expect(describeError(error)).toBe(line)
  })

  it('is cut where it is long', () => {
    expect(describeError(new Error('x'.repeat(1_000)))).toBe(`${'x'.repeat(299)}…`)
    expect(oneLine('x'.repeat(300))).toHaveLength(300)
  })

  it('has nothing of the input of a URL that is none', () => {
    let thrown: unknown
    try {
      new URL('postgres://a:hunter2@[')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toHaveProperty('input')
    expect(describeError(thrown)).toBe('Invalid URL')
  })

  it('says of a real refused connect where it went', async () => {
    const error = await new Promise(resolve => {
      const server = net.createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as net.AddressInfo
        server.close(() => net.connect(port, 'localhost').on('error', resolve))
      })
    })
    expect(describeError(error)).toMatch(/connect ECONNREFUSED 127\.0\.0\.1:\d+/)
    expect(codeOf(error)).toBe('ECONNREFUSED')
  })
})

describe('the code of an error', () => {
  it.each<[string, unknown, string | undefined]>([
    ['its own', withCode('', '25006'), '25006'],
    ['of what it is made of', aggregate(withCode('', 'ETIMEDOUT')), 'ETIMEDOUT'],
    ['of its cause', new TypeError('fetch failed', { cause: withCode('', 'ECONNREFUSED') }), 'ECONNREFUSED'],
    ['its own before that of its cause', withCode('', 'A', { cause: withCode('', 'B') }), 'A'],
    ['a number is none', Object.assign(new Error('x'), { code: 7 }), undefined],
    ['none', new Error('x'), undefined],
    ['of an aggregate of nothing', aggregate(), undefined],
    ['of a text', 'EPIPE', undefined],
    ['of null', null, undefined],
  ])('%s', (_, error, code) => {
    expect(codeOf(error)).toBe(code)
  })
})

it('seconds have no more digits than they need', () => {
  expect([seconds(5_000), seconds(1_500), seconds(250.4)]).toEqual(['5 s', '1.5 s', '0.25 s'])
})
