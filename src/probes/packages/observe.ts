import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import { fileErrorText, readRegular } from '../../clients/files.ts'
import { unlessAborted } from '../../core/abort.ts'
import { codeOf } from '../../core/errors.ts'
import type { Look } from '../../core/probe.ts'
import { shapes } from '../../core/shape.ts'
import type { PackagesTarget } from './target.ts'

export interface PackageSeen {
  readonly name: string
  /** `broken`: it is there, but Node would refuse to load it. */
  readonly state: 'installed' | 'missing' | 'broken' | 'unreadable'
  /** With `installed`. */
  readonly version?: string
  /** The section of the application's package.json that lists a missing package. */
  readonly listed?: string
  readonly why?: string
}

export interface FileSeen {
  readonly file: string
  readonly pattern: string
  readonly state: 'clean' | 'found' | 'missing' | 'unreadable'
  readonly why?: string
}

export interface PackagesSeen {
  /** Why the folder could not be read; the lists are empty then. */
  readonly why?: string
  readonly packages: readonly PackageSeen[]
  readonly files: readonly FileSeen[]
}

/** Searches the folder one file at a time, so that only one is in memory. */
export async function observe(target: PackagesTarget, look: Look): Promise<PackagesSeen> {
  let folder: string
  try {
    // As in Node: it looks for packages above the real path, not above a link to it.
    folder = await realpath(target.folder)
    await access(`${folder}/.`, constants.X_OK)
  } catch (error) {
    return { why: whyNot(error), packages: [], files: [] }
  }
  const packages: PackageSeen[] = []
  for (const name of new Set(target.require))
    packages.push(await look.phase('packages', () => lookForPackage(folder, name, look)))
  const files: FileSeen[] = []
  for (const forbidden of target.forbid) files.push(await look.phase('files', () => search(folder, forbidden, look)))
  return { packages, files }
}

const names = z.record(z.string(), z.unknown()).catch({})
const manifest = z.object({
  // It is shown, and comes from a file of the application.
  version: z.string().regex(shapes.version.pattern).catch('without a version'),
  dependencies: names,
  optionalDependencies: names,
  peerDependencies: names,
  devDependencies: names,
})

/** Looks where Node would: in `node_modules` of the folder, then of each folder above it. */
async function lookForPackage(folder: string, name: string, look: Look): Promise<PackageSeen> {
  for (const modules of modulesAbove(folder)) {
    const { text, why } = await readText(join(modules, name, 'package.json'), maxManifestBytes, look)
    if (why !== undefined) return { name, state: 'unreadable', why }
    if (text === undefined) continue
    const version = parseManifest(text)?.version
    if (version === undefined) return { name, state: 'broken', why: 'its package.json is not valid' }
    return { name, state: 'installed', version: version.slice(0, 40) }
  }
  const { text } = await readText(join(folder, 'package.json'), maxManifestBytes, look)
  const listed = text === undefined ? undefined : listedIn(text, name)
  return { name, state: 'missing', ...(listed && { listed }) }
}

/** https://nodejs.org/api/modules.html#loading-from-node_modules-folders */
function modulesAbove(folder: string): string[] {
  const own = basename(folder) === 'node_modules' ? [] : [join(folder, 'node_modules')]
  const parent = dirname(folder)
  return parent === folder ? own : [...own, ...modulesAbove(parent)]
}

function listedIn(text: string, name: string): string | undefined {
  const own = parseManifest(text)
  const sections = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'] as const
  return own && sections.find(section => Object.hasOwn(own[section], name))
}

function parseManifest(text: string): z.output<typeof manifest> | undefined {
  try {
    return manifest.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

async function search(
  folder: string,
  { file, pattern }: { readonly file: string; readonly pattern: string },
  look: Look,
): Promise<FileSeen> {
  const { text, why } = await readText(join(folder, file), maxCodeBytes, look)
  if (why !== undefined) return { file, pattern, state: 'unreadable', why }
  if (text === undefined) return { file, pattern, state: 'missing' }
  return { file, pattern, state: text.includes(pattern) ? 'found' : 'clean' }
}

const maxCodeBytes = 16 * 1_048_576
const maxManifestBytes = 1_048_576

/** The text of a file, or why it could not be read; neither if there is no such file. */
async function readText(
  path: string,
  maxBytes: number,
  look: Look,
): Promise<{ readonly text?: string; readonly why?: string }> {
  const { signal } = look
  try {
    signal.throwIfAborted()
    return { text: (await unlessAborted(signal, readRegular(path, maxBytes))).toString('utf8') }
  } catch (error) {
    if (signal.aborted) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    look.failed(error, whyNot(error))
    return { why: whyNot(error) }
  }
}

const whys: Readonly<Record<string, string>> = {
  ENOENT: 'no such folder',
  ENOTDIR: 'is not a folder',
  EACCES: 'permission denied',
}
const whyNot = (error: unknown): string => whys[codeOf(error) ?? ''] ?? fileErrorText(error)
