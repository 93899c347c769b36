import type { IncomingMessage } from 'node:http'
import { json, type Shown } from '../core/shown.ts'
import { preferredType } from '../exposition/accept.ts'
import type { Status } from '../monitor/ledger.ts'
import type { Answer, Source } from './endpoint.ts'
import { queryOf } from './query.ts'
import { HttpError, cachedBody } from './respond.ts'

const types = { html: 'text/html', json: 'application/json', markdown: 'text/markdown' } as const
type Form = keyof typeof types
const forms = Object.keys(types) as readonly Form[]

/** What happened: as a page, as JSON or as Markdown, by `?format=` or `Accept`. With `?number=` it is that one incident. */
export function incidentsEndpoint({ monitor, connections }: Source): Answer {
  const send = cachedBody(
    (key: string) => {
      const [form, number] = key.split(' ')
      return bodyOf(form as Form, number ? Number(number) : undefined, monitor.status())
    },
    () => [monitor.status()],
    connections.hold,
  )
  return (request, response) => {
    const { form, number } = askedFor(request)
    if (number !== undefined && !monitor.status().history.incidents.some(one => one.number === number))
      throw new HttpError(404, `incident ${number} is not known, or no longer kept`)
    return send(response, `${form} ${number ?? ''}`, `${types[form]}; charset=utf-8`, 'Accept, Accept-Encoding')
  }
}

async function bodyOf(form: Form, number: number | undefined, status: Status): Promise<Shown> {
  const incidents = status.history.incidents.filter(one => number === undefined || one.number === number)
  if (form === 'html') return (await import('../page/incidents.ts')).renderIncidents(status, incidents)
  const { incidentsJson, incidentsMarkdown } = await import('../report/incidents.ts')
  return form === 'json' ? json(incidentsJson(status, incidents)) : incidentsMarkdown(status, incidents)
}

/** Throws an HttpError for a query that means nothing here. */
function askedFor(request: IncomingMessage): { readonly form: Form; readonly number: number | undefined } {
  const query = queryOf(request)
  if ([...query.keys()].some(key => key !== 'format' && key !== 'number'))
    throw new HttpError(400, 'the parameters here are format and number')
  const [format, number] = [query.get('format'), query.get('number')]
  const form = format === null ? byAccept(request) : forms.find(one => one === format)
  if (!form) throw new HttpError(400, `format is one of ${forms.join(', ')}`)
  if (number !== null && !/^[1-9]\d{0,9}$/.test(number)) throw new HttpError(400, 'number is that of an incident')
  return { form, number: number === null ? undefined : Number(number) }
}

const byAccept = ({ headers }: IncomingMessage): Form => {
  const type = preferredType(headers.accept, Object.values(types))
  return forms.find(form => types[form] === type) ?? 'html'
}
