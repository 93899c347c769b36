import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fileReader } from '../../src/clients/files.ts'
import { folder } from '../references/resolve.ts'

const never = new AbortController().signal

/** Puts a new version of a mounted Secret in the place of the old one, and removes that, as kubelet's AtomicWriter does. */
async function swap(mount: string, version: number, text: string, before: string | undefined): Promise<string> {
  const next = join(mount, `..${version}`)
  await mkdir(next)
  await writeFile(join(next, 'password'), text)
  await symlink(`..${version}`, join(mount, '..data_tmp'))
  await rename(join(mount, '..data_tmp'), join(mount, '..data'))
  if (before) await rm(before, { recursive: true })
  return next
}

it('reads a mounted Secret whole while it is swapped again and again', async () => {
  const mount = await folder()
  const versions = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(20_000 + 10 * i))
  let current = await swap(mount, 0, versions[0] ?? '', undefined)
  await symlink(join('..data', 'password'), join(mount, 'password'))
  const read = fileReader()
  let swapping = true
  const seen: number[] = []
  const reading = async (): Promise<void> => {
    while (swapping) {
      const text = await read(join(mount, 'password'), never)
      const version = Number.parseInt(text, 10)
      // No more than one version at a time, and all of it.
      expect(text === versions[version]).toBe(true)
      seen.push(version)
    }
  }
  const readers = [reading(), reading()]
  for (let version = 1; version < versions.length; version++)
    current = await swap(mount, version, versions[version] ?? '', current)
  swapping = false
  await Promise.all(readers)
  expect(new Set(seen).size).toBeGreaterThan(1)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
})
