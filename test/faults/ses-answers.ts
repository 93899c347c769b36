/** No answer of SES, or one that SES did not give. */
import { createServer } from 'node:http'
import { certificates } from '../servers/certificates.ts'
import { closesAtOnce, garbage, listen, silent } from '../servers/hostile.ts'
import type { Area, Fault } from './fault.ts'
import { sesFails, sesIsUnknown, startAskedStage, turned, type AskedStage } from './ses-asked-stage.ts'

const nothing = { reachable: 0, credentials_valid: null, sending_enabled: null, identity_verified: null }
const notSes = sesIsUnknown('ses_not_ses', nothing)

/** Something else comes to listen where SES was. */
const swapped = (
  name: string,
  start: Parameters<AskedStage['ses']['swap']>[0],
  seen: Fault['seen'],
): Fault<AskedStage> => ({ name, inject: ({ ses }) => ses.swap(start), seen })

const made = await certificates()
const withCertificate = (what: string, certificate: (typeof made)['good']): Fault<AskedStage> => ({
  name: `SES TLS: its certificate ${what}`,
  inject: ({ ses }) => ses.restart(certificate),
  seen: sesFails('ses_certificate_invalid', nothing),
})

/** Where a redirect would lead. No request may come there: it would carry a signature. */
async function elsewhere() {
  let requests = 0
  const server = await listen(
    createServer((_, response) => {
      requests++
      response.end('{}')
    }),
  )
  return { url: `http://127.0.0.1:${server.port}/`, requests: () => requests, close: server.close }
}

interface LuringStage extends AskedStage {
  readonly lured: Awaited<ReturnType<typeof elsewhere>>
}

async function startLuringStage(): Promise<LuringStage> {
  const [stage, lured] = [await startAskedStage(), await elsewhere()]
  return {
    ...stage,
    lured,
    async stop() {
      await Promise.all([stage.stop(), lured.close()])
    },
  }
}

export const sesAnswers: Area<LuringStage> = {
  name: 'SES: no answer, or not one of SES',
  start: startLuringStage,
  faults: [
    swapped('SES: the connection is refused', undefined, sesFails('ses_unreachable', nothing)),
    swapped('SES: takes the connection and says nothing', port => silent({ port }), sesFails('ses_no_answer', nothing)),
    swapped('SES: closes the connection at once', port => closesAtOnce({ port }), sesFails('ses_unreachable', nothing)),
    turned(
      'SES: takes the request and does not answer',
      ({ double }) => double.misbehave('silent'),
      sesFails('ses_no_answer', nothing),
    ),
    turned(
      'SES: its answer comes one byte at a time',
      ({ double }) => double.misbehave('drip'),
      sesFails('ses_no_answer', nothing),
    ),
    withCertificate('has expired', made.expired),
    withCertificate('is for another name', made.wrongName),
    withCertificate('is self-signed', made.selfSigned),
    swapped('SES: something that speaks no TLS answers', port => garbage({ port }), notSes),
    turned('SES: a proxy answers with 503 and HTML', ({ double }) => double.misbehave('html'), notSes),
    turned(
      'SES: a portal answers with 200 and HTML',
      ({ double }) => double.misbehave({ status: 200, type: 'text/html', body: '<html>Log in to the network</html>' }),
      notSes,
    ),
    turned(
      'SES: another API answers with JSON',
      ({ double }) => double.misbehave({ status: 200, type: 'application/json', body: '{"status":"ok"}' }),
      notSes,
    ),
    turned('SES: its answer is cut off', ({ double }) => double.misbehave('cut'), notSes),
    turned('SES: its answer is larger than 1 MiB', ({ double }) => double.misbehave('oversized'), notSes),
    {
      name: 'SES: answers with a redirect, which is not followed',
      inject({ ses, lured: { url } }) {
        ses.double.misbehave({ status: 307, type: 'text/plain', body: '', headers: { Location: url } })
        return Promise.resolve()
      },
      seen: notSes,
      meanwhile: ({ lured }) =>
        lured.requests() === 0 ? Promise.resolve() : Promise.reject(new Error('the redirect was followed')),
    },
    turned(
      'SES: an error of its own (500)',
      ({ double }) => double.misbehave('internal'),
      sesIsUnknown('ses_error', { reachable: 1, credentials_valid: null, sending_enabled: null }),
    ),
    turned(
      'SES: its answer has none of the fields',
      ({ double }) => double.misbehave({ status: 200, type: 'application/json', body: '{}' }),
      sesIsUnknown('ses_not_ses'),
    ),
  ],
}
