import { setMaxListeners } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { createReferences, type Sources } from '../../src/references/index.ts'
import { Unresolved } from '../../src/core/errors.ts'
import type { Reference } from '../../src/core/reference.ts'
import type { References } from '../../src/monitor/look.ts'

export const canary = 'canary-Zq7/pS+word'
export const never = new AbortController().signal
setMaxListeners(0, never)

export const referencesTo = (sources: Partial<Sources>): References =>
  createReferences({ env: {}, vaults: [], kubernetes: undefined, ...sources })

export const valueOf = (reference: Reference, sources: Partial<Sources> = {}, signal = never) =>
  referencesTo(sources).value(reference, signal)

/** The text of an Unresolved, which has no secret in or behind it. */
export async function whyNot(asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.then(
    value => `resolved: ${inspect(value)}`,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Unresolved)) throw new Error(inspect(error))
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(canary)
  return error.message
}

export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'references-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

export async function file(content: string | Uint8Array, name = 'secret'): Promise<string> {
  const path = join(await folder(), name)
  await writeFile(path, content)
  return path
}
