import type { Look } from '../../core/probe.ts'
import type { TakeNote } from '../../core/transcript.ts'
import type { Shown } from '../certificates.ts'
import { unanswered } from '../http-target.ts'
import { HttpFailure, addressOf, httpRequest } from '../http.ts'
import { answerIn, isFromAws, type AwsAnswer, type AwsFault } from './answers.ts'
import { awsEndpoint, type AwsPlace } from './endpoints.ts'
import { escaped, signed, type AwsKeys, type Signable } from './sign.ts'

/** Where to ask, and the keys for it. */
export interface AwsService extends AwsPlace {
  /** Without them the request is not signed. */
  readonly keys?: AwsKeys | undefined
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: string | undefined
}

/**
 * What to ask. With `path` it is a GET that is answered in JSON, or with `json` a POST; with `form` a POST of the older
 * protocol, in XML.
 */
export type AwsCall<T> = {
  /** As AWS names it, such as GetAccount. */
  readonly name: string
  /** Finds the value in the body of a 200; undefined if that is not what was asked for. */
  readonly read: (body: string) => T | undefined
} & (
  | { readonly path: readonly string[]; readonly json?: unknown }
  /** Without `Action`, which is the name. */
  | { readonly form: Readonly<Record<string, string>> }
)

export interface AwsReply<T> {
  readonly answer: AwsAnswer<T>
  /** The request may have reached AWS, and no whole answer came back: it may have been done. */
  readonly mayBeDone: boolean
  /** `host:port` */
  readonly address: string
  /** The clock of the exporter less that of AWS, by its `Date`: to a second, and half of the time that the answer took. */
  readonly clockSkewSeconds: number | undefined
  readonly certificates: Shown | undefined
}

/**
 * One request to AWS, signed with the keys. Every failure is an answer. The path is kept out of the transcript, since mail
 * addresses are in it.
 */
export async function askAws<T>(call: AwsCall<T>, service: AwsService, look: Look): Promise<AwsReply<T>> {
  const request = requestOf(call, service)
  const address = addressOf(request.url)
  const askedAt = Date.now()
  const { keys, ca } = service
  const headers = keys ? signed(request, keys, { ...service, at: askedAt }) : request.headers
  try {
    const note = noteAs(call.name, request, look)
    const response = await httpRequest({ ...request, headers, ca, signal: look.signal, note })
    const at = Date.now()
    const answer = answerIn(response, { read: call.read, xml: 'form' in call, address })
    const { chain } = response
    return {
      answer,
      mayBeDone: false,
      address,
      clockSkewSeconds: isFromAws(answer) ? skewBy(response.headers.date, (askedAt + at) / 2) : undefined,
      certificates: chain && { chain, verified: true, at },
    }
  } catch (error) {
    const { failure, certificates } = unanswered(error, look, address)
    const kind = error instanceof HttpFailure && !failure.timedOut ? faultOf(error) : 'no_answer'
    const mayBeDone = error instanceof HttpFailure && (error.phase === 'wait' || error.phase === 'body')
    return { answer: { kind, text: failure.text }, mayBeDone, address, clockSkewSeconds: undefined, certificates }
  }
}

/** Takes the notes of a request with the name of the call in place of method and path. */
export const noteAs = (name: string, { method, url }: Pick<Signable, 'method' | 'url'>, look: Look): TakeNote => {
  const address = addressOf(url)
  const said = `${method} ${address}${new URL(url).pathname}`
  return text => look.note(text.startsWith(said) ? `${name} at ${address}${text.slice(said.length)}` : text)
}

function requestOf<T>(call: AwsCall<T>, place: AwsPlace): Signable {
  const base = awsEndpoint(place)
  if ('path' in call) {
    const url = `${base}/${call.path.map(escaped).join('/')}`
    if (call.json === undefined) return { method: 'GET', url }
    const headers = { 'Content-Type': 'application/json' }
    return { method: 'POST', url, headers, body: JSON.stringify(call.json) }
  }
  const pairs = Object.entries({ Action: call.name, ...call.form })
  return {
    method: 'POST',
    url: `${base}/`,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: pairs.map(pair => pair.map(escaped).join('=')).join('&'),
  }
}

/** Node counts a body that ends too early, and one that is no HTTP, among the errors. */
function faultOf({ phase, code = '', chain }: HttpFailure): AwsFault {
  if (chain) return 'certificate_invalid'
  // A secret with a line break in it.
  if (code === 'ERR_INVALID_CHAR') return 'bad_request'
  if (phase === 'body' || /^(?:HPE_|ERR_SSL_|EPROTO)/.test(code)) return 'not_aws'
  if (phase !== 'wait') return 'unreachable'
  return code === '' ? 'not_aws' : 'no_answer'
}

/** `Date` is cut to the second, so on average half a second is missing. In seconds. */
function skewBy(date: string | undefined, at: number): number | undefined {
  const theirs = date === undefined ? NaN : Date.parse(date)
  return Number.isNaN(theirs) ? undefined : (at - theirs - 500) / 1000
}
