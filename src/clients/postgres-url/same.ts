import type { Endpoint, Plan, TlsPlan } from './plan.ts'

/**
 * Whether two plans behave alike: the same places in the same order, with the same credentials and TLS. The name of the
 * application and the encoding of text do not matter, and with one place no time-out does.
 */
export const samePlan = (a: Plan, b: Plan): boolean => canonical(a) === canonical(b)

/** Whether two plans lead to the same places. */
export const samePlaces = (a: Plan, b: Plan): boolean => JSON.stringify(placesOf(a)) === JSON.stringify(placesOf(b))

const canonical = (plan: Plan): string => JSON.stringify(sorted(behaviour(plan)))

function behaviour(plan: Plan): unknown {
  const { application_name: _, client_encoding: encoding, ...startup } = plan.startup
  return {
    ...plan,
    endpoints: plan.endpoints.map(placeOf),
    tls: tlsOf(plan.tls),
    startup: { ...startup, ...(isUtf8(encoding) ? {} : { client_encoding: encoding }) },
    connectTimeoutMs: plan.endpoints.length > 1 ? plan.connectTimeoutMs : undefined,
  }
}

const isUtf8 = (encoding: string | undefined): boolean => encoding === undefined || /^utf-?8$/i.test(encoding)

const placesOf = ({ endpoints, targetSessionAttrs }: Plan): unknown =>
  sorted([endpoints.map(placeOf), targetSessionAttrs])

const placeOf = (endpoint: Endpoint): Endpoint =>
  endpoint.kind === 'socket'
    ? { ...endpoint, folder: endpoint.folder.replace(/(.)\/+$/, '$1') }
    : {
        ...endpoint,
        host: endpoint.host.toLowerCase(),
        address: endpoint.address === endpoint.host ? undefined : endpoint.address,
      }

/** Without verification, the authorities do not matter. */
const tlsOf = (tls: TlsPlan): TlsPlan =>
  tls.verify === 'nothing' ? { ...tls, authorities: 'usual', usualToo: undefined } : tls

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]))
}
