import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/core/probe.ts'
import { packages } from '../../src/probes/packages/index.ts'
import { observe, type PackagesSeen } from '../../src/probes/packages/observe.ts'
import type { PackagesTarget } from '../../src/probes/packages/target.ts'
import { expectReasons, expectSamples, probeContract } from './contract.ts'
import { folder as emptyFolder } from '../references/resolve.ts'
import { look } from './look.ts'

const target = (over: Partial<PackagesTarget> = {}): PackagesTarget => ({
  name: 'keybuzz-backend',
  folder: '/opt/app',
  require: [],
  forbid: [],
  ...over,
})

describe('judge', () => {
  const file = { file: 'dist/mail.js', pattern: 'SES not implemented' }
  const rows: [string, PackagesSeen, Verdict, string[], Record<string, number>][] = [
    [
      'everything is there and nothing forbidden',
      {
        packages: [{ name: 'nodemailer', state: 'installed', version: '6.9.1' }],
        files: [{ ...file, state: 'clean' }],
      },
      'ok',
      [],
      { 'installed nodemailer': 1, 'forbidden_found dist/mail.js': 0 },
    ],
    [
      'a package is missing',
      { packages: [{ name: 'nodemailer', state: 'missing' }], files: [] },
      'fail',
      ['packages_missing /opt/app: nodemailer is not installed, and not listed in package.json'],
      { 'installed nodemailer': 0 },
    ],
    [
      'a package is listed only',
      { packages: [{ name: '@aws-sdk/client-ses', state: 'missing', listed: 'devDependencies' }], files: [] },
      'fail',
      ['packages_missing /opt/app: @aws-sdk/client-ses is listed in devDependencies but not installed'],
      { 'installed @aws-sdk/client-ses': 0 },
    ],
    [
      'a package is broken',
      { packages: [{ name: 'nodemailer', state: 'broken', why: 'its package.json is not valid' }], files: [] },
      'fail',
      ['packages_missing /opt/app: nodemailer cannot be loaded: its package.json is not valid'],
      { 'installed nodemailer': 0 },
    ],
    [
      'a package cannot be looked at',
      { packages: [{ name: 'nodemailer', state: 'unreadable', why: 'permission denied' }], files: [] },
      'unknown',
      ['packages_folder_unreadable /opt/app: nodemailer: permission denied'],
      {},
    ],
    [
      'the folder is not there',
      { why: 'no such folder', packages: [], files: [] },
      'unknown',
      ['packages_folder_unreadable /opt/app: no such folder'],
      {},
    ],
    [
      'the stub is deployed',
      { packages: [], files: [{ ...file, state: 'found' }] },
      'warn',
      ['packages_forbidden_found /opt/app/dist/mail.js: has "SES not implemented" in it'],
      { 'forbidden_found dist/mail.js': 1 },
    ],
    [
      'one of two patterns of a file is found',
      {
        packages: [],
        files: [
          { ...file, state: 'clean' },
          { ...file, pattern: 'TODO', state: 'found' },
        ],
      },
      'warn',
      ['packages_forbidden_found /opt/app/dist/mail.js: has "TODO" in it'],
      { 'forbidden_found dist/mail.js': 1 },
    ],
    [
      'the file is not there: that is no proof of its being clean',
      { packages: [], files: [{ ...file, state: 'missing' }] },
      'unknown',
      ['packages_file_missing /opt/app/dist/mail.js: no such file'],
      {},
    ],
    [
      'the file is too large',
      { packages: [], files: [{ ...file, state: 'unreadable', why: 'is larger than 16 MiB' }] },
      'unknown',
      ['packages_file_unreadable /opt/app/dist/mail.js: is larger than 16 MiB'],
      {},
    ],
  ]
  it.each(rows)('%s', (_, seen, verdict, reasons, samples) => {
    const found = packages.judge(seen, target())
    expect(found.verdict).toBe(verdict)
    expect(found.reasons.map(reason => `${reason.code} ${reason.text}`)).toEqual(reasons)
    const series = found.samples.map(({ metric, labels, value }) => [
      `${metric.name.replace('mailpath_packages_', '')} ${labels['package'] ?? labels['file'] ?? ''}`,
      value,
    ])
    expect(Object.fromEntries(series)).toEqual(samples)
  })
})

describe('observe', () => {
  let root: string
  let folder: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mailpath-packages-'))
    folder = join(root, 'app')
    await write('app/package.json', { dependencies: { nodemailer: '^6' }, devDependencies: { vitest: '^4' } })
    return () => rm(root, { recursive: true })
  })

  async function write(path: string, content: unknown): Promise<void> {
    const file = join(root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  }

  async function see(over: Partial<PackagesTarget>): Promise<PackagesSeen> {
    const observation = await look(packages, target({ folder, ...over }))
    if (!observation) throw new Error('the run was not recorded')
    expectSamples(observation, packages)
    if (observation.verdict !== 'ok') expectReasons(observation, over.folder ?? folder, packages)
    return observation.seen as PackagesSeen
  }

  it('finds what is installed in the folder, and above it as Node does', async () => {
    await write('app/node_modules/nodemailer/package.json', { version: '6.9.1' })
    await write('node_modules/@aws-sdk/client-ses/package.json', { version: '3.500.0' })
    expect(await see({ require: ['nodemailer', '@aws-sdk/client-ses'] })).toEqual({
      packages: [
        { name: 'nodemailer', state: 'installed', version: '6.9.1' },
        { name: '@aws-sdk/client-ses', state: 'installed', version: '3.500.0' },
      ],
      files: [],
    })
  })

  it('looks above the real folder, not above a link to it', async () => {
    await write('releases/node_modules/nodemailer/package.json', { version: '6.9.1' })
    await mkdir(join(root, 'releases/42'))
    await symlink(join(root, 'releases/42'), join(root, 'current'))
    const { packages } = await see({ folder: join(root, 'current'), require: ['nodemailer'] })
    expect(packages[0]?.state).toBe('installed')
  })

  it('does not take a package for installed because it is listed', async () => {
    const { packages } = await see({ require: ['nodemailer', 'vitest', 'pg', 'constructor'] })
    expect(packages).toEqual([
      { name: 'nodemailer', state: 'missing', listed: 'dependencies' },
      { name: 'vitest', state: 'missing', listed: 'devDependencies' },
      { name: 'pg', state: 'missing' },
      { name: 'constructor', state: 'missing' },
    ])
  })

  it('does not take half of an installation for one', async () => {
    await write('app/node_modules/nodemailer/package.json', '{"version": "6')
    await mkdir(join(folder, 'node_modules/pg'), { recursive: true })
    const { packages } = await see({ require: ['nodemailer', 'pg'] })
    expect(packages.map(({ state }) => state)).toEqual(['broken', 'missing'])
  })

  it('searches deployed code for text, not for a regular expression', async () => {
    await write('app/dist/stub.js', "throw new Error('SES not implemented')")
    await write('app/dist/real.js', 'await ses.send(command)')
    const { files } = await see({
      forbid: [
        { file: 'dist/stub.js', pattern: 'SES not implemented' },
        { file: 'dist/real.js', pattern: 'SES not implemented' },
        { file: 'dist/real.js', pattern: 's.*d' },
        { file: 'dist/gone.js', pattern: 'x' },
      ],
    })
    expect(files.map(({ state }) => state)).toEqual(['found', 'clean', 'clean', 'missing'])
  })

  it('does not search a directory, a named pipe or a huge file', async () => {
    await mkdir(join(folder, 'dist'))
    await promisify(execFile)('mkfifo', [join(folder, 'pipe')])
    await write('app/huge.js', '')
    await truncate(join(folder, 'huge.js'), 16 * 1_048_576 + 1)
    const { files } = await see({ forbid: ['dist', 'pipe', 'huge.js'].map(file => ({ file, pattern: 'x' })) })
    expect(files.map(({ why }) => why)).toEqual([
      'is a directory, not a file',
      'is not a regular file',
      'is larger than 16 MiB',
    ])
  })

  it.each([
    ['gone', 'no such folder'],
    ['app/package.json', 'is not a folder'],
  ])('says why it cannot look into %s', async (path, why) => {
    expect(await see({ folder: join(root, path), require: ['pg'] })).toEqual({ why, packages: [], files: [] })
  })

  it('reads nothing once its time is up', async () => {
    const controller = new AbortController()
    controller.abort(new Error('time is up'))
    const phase = <T>(_: string, work: () => T): T => work()
    const late = { signal: controller.signal, phase } as unknown as Parameters<typeof observe>[1]
    await expect(observe(target({ folder, require: ['pg'] }), late)).rejects.toThrow('time is up')
  })
})

describe('config', () => {
  const parse = (over: object) =>
    packages.target.safeParse({ name: 'a', folder: '/opt/app', require: ['pg'], ...over }).error?.issues[0]?.message
  const forbid = (file: string) => ({ forbid: [{ file, pattern: 'x' }] })

  it('takes paths inside the folder only', () => {
    expect(parse(forbid('dist/a..b/.x.js'))).toBeUndefined()
    for (const file of ['/etc/passwd', '../x', 'dist/../../x', '..'])
      expect(parse(forbid(file))).toMatch('inside the folder')
  })

  it('takes names of packages only', () => {
    expect(parse({ require: ['@aws-sdk/client-ses', 'lodash.get', 'JSONStream'] })).toBeUndefined()
    for (const name of ['../x', 'a/b', '', '.bin', '@x'])
      expect(parse({ require: [name] })).toBe('not the name of an npm package')
  })

  it('wants something to look for', () => {
    expect(parse({ require: [] })).toBe('give at least one of require and forbid')
  })
})

const pipe = (path: string) => promisify(execFile)('mkfifo', [path])

/** A folder in which `spoil` has put something. */
async function spoiled(require: readonly string[], spoil: (folder: string) => Promise<unknown>) {
  const folder = await emptyFolder()
  await spoil(folder)
  return { target: target({ folder, require, forbid: [{ file: 'mail.js', pattern: 'x' }] }), about: folder }
}

probeContract(packages, {
  wrong: {
    'a folder that is gone': () => spoiled(['nodemailer'], folder => rm(folder, { recursive: true })),
    'a file that is a pipe': () => spoiled([], folder => pipe(join(folder, 'mail.js'))),
    'a file without end': () => spoiled([], folder => symlink('/dev/zero', join(folder, 'mail.js'))),
    'a file in a circle': () => spoiled([], folder => symlink('mail.js', join(folder, 'mail.js'))),
    'a list of packages that is a pipe': () => spoiled(['nodemailer'], folder => pipe(join(folder, 'package.json'))),
  },
  busy: () =>
    spoiled(
      Array.from({ length: 50_000 }, (_, i) => `package-${i}`),
      () => Promise.resolve(),
    ),
})
