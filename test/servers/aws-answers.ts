import type { ServerResponse } from 'node:http'

/** What a server of AWS says. */
export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export const jsonReply = (status: number, body: unknown, headers?: Record<string, string>): Reply => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
  headers,
})
export const xmlReply = (status: number, body: string): Reply => ({ status, type: 'text/xml', body })
export const textReply = (status: number, body: string): Reply => ({ status, type: 'text/plain', body })

/** Where the name of an error is: in the header, with or without a URL behind it, or only in the body. */
export type ErrorForm = 'header' | 'header_with_url' | '__type' | 'code'

/** An error of rest-json. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization */
export function errorInJson(status: number, name: string, message: string, form: ErrorForm): Reply {
  // What the front of AWS refuses has a capital letter, what SES refuses has a small one.
  const text = name === 'AccessDeniedException' ? { Message: message } : { message }
  switch (form) {
    case 'header':
      return jsonReply(status, text, { 'x-amzn-ErrorType': name })
    case 'header_with_url':
      return jsonReply(status, text, {
        'x-amzn-ErrorType': `${name}:http://internal.amazon.com/coral/com.amazonaws.services.simpleemail.v2/`,
      })
    case '__type':
      return jsonReply(status, { __type: `com.amazonaws.services.simpleemail.v2#${name}`, ...text })
    case 'code':
      return jsonReply(status, { code: name, ...text })
  }
}

/** An error of the protocol `query`. */
export function errorInXml(status: number, code: string, message: string, namespace: string): Reply {
  const type = status < 500 ? 'Sender' : 'Receiver'
  return xmlReply(
    status,
    `<ErrorResponse xmlns="${namespace}">
  <Error>
    <Type>${type}</Type>
    <Code>${code}</Code>
    <Message>${escaped(message)}</Message>
  </Error>
  <RequestId>f1a4d5c2-7d7e-4c0d-9b0a-0b9c5d1a2e3f</RequestId>
</ErrorResponse>
`,
  )
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * How the right answer is spoilt on its way: `silent`, none comes; `reset`, the connection is cut before it; `drip`, one byte
 * at a time; `cut`, half of it and a closed connection; `endless`, a body without end; `oversized`, JSON of 1 MiB and one
 * byte; `html`, what a proxy says with nobody behind it; `redirect`, to another host; `garbled`, JSON without its end.
 */
export type Spoiling = 'silent' | 'reset' | 'drip' | 'cut' | 'endless' | 'oversized' | 'html' | 'redirect' | 'garbled'

const mib = 1_048_576
const dripMs = 50

/** Sends the answer, spoilt or not. */
export function sendReply(reply: Reply, how: Spoiling | undefined, response: ServerResponse, redirectTo: string): void {
  const { status, type, body } = how === 'html' ? badGateway : reply
  const bytes = Buffer.from(body)
  const head = (length: number, code = status, more: Record<string, string> = {}): void => {
    response.writeHead(code, { 'Content-Type': type, 'Content-Length': length, ...reply.headers, ...more })
  }
  response.on('error', () => undefined)
  switch (how) {
    case 'silent':
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'drip':
      head(bytes.length)
      drip(bytes, response)
      return
    case 'cut':
      head(bytes.length)
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
      return
    case 'endless':
      response.writeHead(status, { 'Content-Type': type })
      flood(bytes, response)
      return
    case 'oversized':
      head(mib + 1)
      response.end(Buffer.concat([Buffer.alloc(mib + 1 - bytes.length, ' '), bytes]))
      return
    case 'redirect':
      head(0, 307, { Location: redirectTo })
      response.end()
      return
    case 'garbled':
      head(bytes.length - 1)
      response.end(bytes.subarray(0, -1))
      return
    case 'html':
    case undefined:
      head(bytes.length)
      response.end(bytes)
  }
}

const badGateway: Reply = {
  status: 503,
  type: 'text/html',
  body: '<html><body><b>Http/1.1 Service Unavailable</b></body> </html>',
}

function drip(bytes: Buffer, response: ServerResponse): void {
  let sent = 0
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, sent + 1))
    if (++sent === bytes.length) response.end()
  }, dripMs)
  response.on('close', () => clearInterval(timer))
}

function flood(block: Buffer, response: ServerResponse): void {
  const piece = Buffer.concat(Array<Buffer>(64).fill(block))
  const more = (): void => {
    if (!response.destroyed) response.write(piece, error => error ?? setImmediate(more))
  }
  more()
}
