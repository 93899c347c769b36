import { HttpFailure, addressOf, httpRequest, type HttpResponse } from '../clients/http.ts'
import { shapes } from '../core/shape.ts'
import { literalUrl, name as targetName } from '../fields/index.ts'
import { factsIn, membersIn, type PatroniFacts, type PatroniMember } from '../probes/patroni/answer.ts'
import type { Asked, Asking } from './asked.ts'

/** A node of a cluster, as Patroni lists it. */
export interface Member {
  readonly name: string
  readonly host: string
  readonly port: number
  /** The address of its REST API; undefined if that could not be used. */
  readonly api: string | undefined
  readonly leads: boolean
}

/** A cluster, by one of its Patronis. */
export interface PatroniCluster {
  readonly scope: string
  readonly members: readonly Member[]
  /** What could not be used of the answer. */
  readonly notes: readonly string[]
}

/** `isDown`: there was no answer, so the address may be right all the same. */
export interface PatroniAsked extends Asked<PatroniCluster> {
  readonly url: string
  readonly isDown: boolean
}

const maxBodyBytes = 262_144
const mostMembers = 100

/** A Patroni, by GET of /leader and /cluster. Both only read. */
export async function askPatroni(url: string, { signal, ca }: Asking): Promise<PatroniAsked> {
  const place = addressOf(url)
  const { origin, pathname } = new URL(url)
  const base = `${origin}${pathname.replace(/\/+$/, '')}`
  const get = (path: string): Promise<HttpResponse> =>
    httpRequest({ method: 'GET', url: `${base}${path}`, ca: ca?.text, maxBodyBytes, signal })
  const none = (why: string, isDown: boolean): PatroniAsked => ({ url: base, place, found: undefined, why, isDown })
  try {
    const answer = await get('/leader')
    const facts = factsIn(answer, Date.now())
    if (!facts) return none(`HTTP ${answer.status} from /leader, which is no answer of a Patroni`, false)
    const why = reachesDcs(facts) ? undefined : 'it does not reach its DCS now, so it was not asked for the members'
    const list = why === undefined ? await membersAt(get) : why
    if (typeof list === 'string') return none(list, true)
    return { url: base, place, found: clusterOf(facts, list.members, list.leader), isDown: false }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return none(error.message, true)
  }
}

/** A read of the DCS that fails makes Patroni forget its cluster until its next loop. */
const reachesDcs = ({ clusterUnlocked, failsafeActive }: PatroniFacts): boolean => !clusterUnlocked && !failsafeActive

async function membersAt(get: (path: string) => Promise<HttpResponse>) {
  const answer = await get('/cluster')
  return membersIn(answer) ?? `HTTP ${answer.status} from /cluster, and no list of members`
}

function clusterOf(facts: PatroniFacts, members: readonly PatroniMember[], leader: string | undefined): PatroniCluster {
  const notes: string[] = []
  const known = new Set<string>()
  const usable = members.slice(0, mostMembers).flatMap((one): Member[] => {
    const { name, host = '', port = 5432 } = one
    const why = known.has(name)
      ? 'is listed twice'
      : !targetName.safeParse(name).success
        ? 'has a name that no target can have'
        : shapes.host.read(host) === undefined || host.trim() !== host
          ? 'has no host'
          : undefined
    known.add(name)
    if (why !== undefined) notes.push(`A member was left out, since it ${why}.`)
    return why === undefined ? [{ name, host, port, api: apiOf(one), leads: name === leader }] : []
  })
  const scope = targetName.safeParse(facts.scope).success ? facts.scope : 'main'
  return { scope, members: usable, notes: [...new Set(notes)] }
}

/** `http://db-1:8008/patroni` is how a member says it. */
function apiOf({ apiUrl }: PatroniMember): string | undefined {
  if (apiUrl === undefined || !URL.canParse(apiUrl)) return undefined
  const { origin, pathname } = new URL(apiUrl)
  const url = `${origin}${pathname.replace(/\/(?:patroni)?\/*$/, '')}`
  return literalUrl(['http', 'https'], '').safeParse(url).success ? url : undefined
}
