import { HttpFailure, addressOf } from '../clients/http.ts'
import { record } from '../clients/vault-answers.ts'
import { openVault } from '../clients/vault.ts'
import type { Asked, Asking } from './asked.ts'
import type { Entry } from './yaml.ts'

/** A Vault: its health alone, by one GET of /v1/sys/health without a token. */
export async function vaultEntry(url: string, { signal, ca }: Asking): Promise<Asked<Entry>> {
  const place = addressOf(url)
  const entry = (notes: readonly string[], off: boolean): Entry => ({
    notes,
    off,
    lines: [
      ['name', new URL(url).hostname.replace(/^\[|\]$/g, '')],
      ['url', url, 'as given'],
      ...(ca !== undefined && url.startsWith('https:') ? [['ca_file', ca.file] as const] : []),
    ],
  })
  const missing =
    'Missing: a token. Without it only the health is checked. For secrets: token: { file: … }, or app_role or kubernetes.'
  try {
    const vault = await openVault({ url, ca: ca?.text, signal })
    const { status, body } = await vault.health()
    const health = record(body)
    if (typeof health?.['initialized'] !== 'boolean') {
      const why = `HTTP ${status} from /v1/sys/health, which is no answer of a Vault`
      return { place, found: entry([`${place}: ${why}.`], true), why }
    }
    const state = !health['initialized'] ? 'not initialized' : health['sealed'] === true ? 'sealed' : undefined
    const notes = [`${place} answers${state === undefined ? '' : `, and is ${state}`}.`, missing]
    return { place, found: entry(notes, false) }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return { place, found: entry([`No answer when init asked: ${error.message}.`, missing], false), why: error.message }
  }
}
