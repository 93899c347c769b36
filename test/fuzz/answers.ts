import { createServer } from 'node:http'
import fc from 'fast-check'
import { listen, type Listening } from '../servers/hostile.ts'

/** What a server says to a request, and how it ends. */
export interface Answer {
  readonly status: number
  readonly type: string
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** `cut`: half of it and a closed connection; `open`: half of it and then nothing. */
  readonly ending: 'whole' | 'cut' | 'open'
}

const status = fc.oneof(
  { weight: 12, arbitrary: fc.constant(200) },
  fc.constantFrom(204, 301, 307, 400, 401, 403, 404, 429, 472, 473, 474, 500, 501, 502, 503, 530),
  fc.integer({ min: 200, max: 999 }),
)

/** HTML of a proxy, JSON of something else, or noise. */
export const strangeBody: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.constantFrom(
    '',
    'null',
    '[]',
    '{}',
    '"ok"',
    '<html><h1>502 Bad Gateway</h1></html>',
    '{"status":"ok"}',
    '\uFEFF{}',
  ),
  fc.json(),
  fc.string({ maxLength: 50 }),
  fc.uint8Array({ maxLength: 50 }),
)

export const answerWith = (body: fc.Arbitrary<string | Uint8Array>): fc.Arbitrary<Answer> =>
  fc.record({
    status,
    type: fc.constantFrom('application/json', 'text/html', 'text/plain; charset=utf-16'),
    body,
    ending: fc.oneof(
      { weight: 100, arbitrary: fc.constant('whole' as const) },
      { weight: 2, arbitrary: fc.constant('cut' as const) },
      { weight: 1, arbitrary: fc.constant('open' as const) },
    ),
  })

/** Serves what `answers` has for the first key that the path begins with. */
export function answering(answers: () => Readonly<Record<string, Answer>>): Promise<Listening> {
  const server = createServer((request, response) => {
    const [, answer] = Object.entries(answers()).find(([path]) => request.url?.startsWith(path)) ?? []
    const found: Answer = answer ?? { status: 404, type: 'text/plain', body: '', ending: 'whole' }
    const { status, type, headers, body, ending } = found
    const bytes = Buffer.from(body)
    response.on('error', () => undefined)
    if (ending === 'whole') {
      response.writeHead(status, { 'Content-Type': type, Location: '/elsewhere', ...headers }).end(bytes)
      return
    }
    response.writeHead(status, { 'Content-Type': type, ...headers, 'Content-Length': bytes.length + 10 })
    response.write(Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.from(' ')]), () => {
      if (ending === 'cut') response.destroy()
    })
  })
  return listen(server)
}

/** The fields, now and then one of another type or none at all. */
export const fields = (
  model: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<Record<string, unknown>> => {
  const odd = fc.constantFrom<unknown>(undefined, null, '', 'true', 0, -1, 1e300, [], {}, true, false)
  const any = Object.entries(model).map(
    ([name, right]) => [name, fc.oneof({ weight: 40, arbitrary: right }, odd)] as const,
  )
  return fc.record(Object.fromEntries(any))
}

export const asJson = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> => value.map(body => JSON.stringify(body))

/** The body as an object; undefined where it is none. */
export function objectOf({ body }: Answer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
