import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')
const page = read('docs/dependencies.md')

/** What may be shipped beside code under the Apache License 2.0 without a duty that nobody sees to. */
const allowed = ['MIT', '0BSD', 'MIT-0', 'ISC', 'BSD-3-Clause', 'Apache-2.0']

interface Locked {
  readonly version: string
  /** An identifier of SPDX, or what old packages have instead. */
  readonly license?: string | readonly { readonly type: string }[]
  readonly resolved?: string
  readonly integrity?: string
  readonly dev?: boolean
  /** Needed by a tool as well as, on some platforms, at run time. */
  readonly devOptional?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
const tree = Object.entries(packages)
  .filter(([at, { dev }]) => at !== '' && !dev)
  .map(([at, locked]) => ({ ...locked, at, name: at.replace(/^.*node_modules\//, '') }))

/** The choices there are: any of them will do. */
const licencesOf = ({ license }: Locked): string[] =>
  typeof license === 'string' ? license.replaceAll(/[()]/g, '').split(' OR ') : (license ?? []).map(({ type }) => type)

describe('the runtime dependencies', () => {
  it('stand on the page one by one, with their licence, a reason, and what they may touch', () => {
    const rows = [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+\.) \| ([^|]+\.) \|$/gm)]
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(dependencies).sort())
    for (const [, name = '', licence] of rows)
      expect([name, licence]).toEqual([name, packages[`node_modules/${name}`]?.license])
  })

  it('are all of the tree that is installed, as the page has it', async () => {
    const rows = tree.map(one => {
      const licence = licencesOf(one).join(' or ')
      return `| ${one.name} | ${one.version} | ${licence} | ${one.optional || one.devOptional ? 'optional' : ''} |`
    })
    const border = page.indexOf('\n| package | version |')
    const table = ['', '| package | version | licence | |', '|---|---|---|---|', ...rows, ''].join('\n')
    const whole = `${(border < 0 ? page : page.slice(0, border)).trimEnd()}\n${table}`
    await expect(whole).toMatchFileSnapshot(fileURLToPath(new URL('docs/dependencies.md', root)))
  })

  it('have a licence that is allowed, come from the registry with a hash, and run nothing when they are installed', () => {
    expect(tree.length).toBeGreaterThan(Object.keys(dependencies).length)
    for (const one of tree) {
      expect([one.at, licencesOf(one).some(licence => allowed.includes(licence))]).toEqual([one.at, true])
      // The lock leaves out what is of the registry.
      expect([one.at, one.resolved ?? 'registry']).toEqual([one.at, 'registry'])
      expect(one.integrity).toMatch(/^sha512-/)
      expect([one.at, one.hasInstallScript ?? false]).toEqual([one.at, false])
    }
  })
})
