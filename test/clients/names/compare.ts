/** Looks each name of its arguments up by getaddrinfo(3), as Node has it, and as the exporter does; writes both as JSON. */
import { setMaxListeners } from 'node:events'
import { lookup } from 'node:dns/promises'
import { addressesOf } from '../../../src/clients/names/index.ts'
import { codeOf } from '../../../src/core/errors.ts'

export interface Compared {
  readonly name: string
  /** Addresses in their order, or the code of the failure. */
  readonly system: readonly string[] | string
  readonly ours: readonly string[] | string
}

const outcome = (looking: Promise<readonly { readonly address: string }[]>): Promise<readonly string[] | string> =>
  looking.then(
    found => found.map(({ address }) => address),
    (error: unknown) => codeOf(error) ?? 'unknown error',
  )

const { signal } = new AbortController()
setMaxListeners(0, signal)
const compared = await Promise.all(
  process.argv.slice(2).map(async (name): Promise<Compared> => {
    const system = outcome(lookup(name, { all: true, verbatim: true }))
    const ours = outcome(addressesOf(name, { signal }))
    return { name, system: await system, ours: await ours }
  }),
)
process.stdout.write(JSON.stringify(compared))
