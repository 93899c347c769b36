import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readIni } from '../../src/references/ini.ts'
import { assertAsync, bounded, patienceMs, working } from '../fuzz/limits.ts'
import { canary, file, folder, valueOf, whyNot } from './resolve.ts'

/** What the SDK of AWS reads in it as the file of credentials, and as that of the configuration. */
async function sdk(path: string, text: string) {
  await writeFile(path, text)
  return loadSharedConfigFiles({ filepath: path, configFilepath: path, ignoreCache: true })
}

describe('a file of the AWS CLI', () => {
  const key = { section: 'default', key: 'aws_secret_access_key' }

  it.each<[what: string, text: string, value: string]>([
    ['as `aws configure` writes it', '[default]\naws_access_key_id = AKIA\naws_secret_access_key = VALUE\n', 'VALUE'],
    ['with CRLF and a byte order mark', '\uFEFF[default]\r\naws_secret_access_key=VALUE\r\n', 'VALUE'],
    ['with comments', '# a\n; b\n[default] # c\naws_secret_access_key = VALUE ; d\n', 'VALUE'],
    ['with signs of comments in the value', '[default]\naws_secret_access_key = VA#L;UE=\n', 'VA#L;UE='],
    ['with the key twice', '[default]\naws_secret_access_key = no\naws_secret_access_key = VALUE\n', 'VALUE'],
    [
      'with the section twice',
      '[default]\naws_secret_access_key = no\n[x]\n[default]\naws_secret_access_key = VALUE',
      'VALUE',
    ],
    [
      'with keys below a key',
      '[default]\ns3 =\n  aws_secret_access_key = no\naws_secret_access_key = VALUE\n',
      'VALUE',
    ],
    ['indented', '[default]\n\taws_secret_access_key\t=\tVALUE\n', 'VALUE'],
    ['with quotes, which are part of the value', '[default]\naws_secret_access_key = "VALUE"', '"VALUE"'],
    ['as a profile', '[profile default]\naws_secret_access_key = VALUE\n', 'VALUE'],
    ['as a profile in quotes', '[profile "default"]\naws_secret_access_key = VALUE\n', 'VALUE'],
  ])('%s', async (_, text, value) => {
    const written = text.replace('VALUE', value === '"VALUE"' ? canary : value)
    const expected = value === '"VALUE"' ? `"${canary}"` : value
    const ini = await file(written)
    expect(await valueOf({ ini, ...key })).toBe(expected)
    const { credentialsFile, configFile } = await sdk(join(await folder(), 'x'), written)
    expect((credentialsFile['default'] ?? configFile['default'])?.['aws_secret_access_key']).toBe(expected)
  })

  it.each<[what: string, text: string]>([
    ['is of another section', `[other]\naws_secret_access_key = ${canary}\n`],
    ['is before any section', `aws_secret_access_key = ${canary}\n[default]\n`],
    ['is in a comment', `[default]\n#aws_secret_access_key = ${canary}\n`],
    ['is empty', '[default]\naws_secret_access_key =\n'],
    ['is in a section with space in its brackets', `[ default ]\naws_secret_access_key = ${canary}\n`],
    ['is of an SSO session', `[sso-session default]\naws_secret_access_key = ${canary}\n`],
  ])('says so if the value %s', async (_, text) => {
    const ini = await file(text)
    const why = await whyNot(valueOf({ ini, ...key }))
    expect(why).toBe(`ini ${ini} [default]#aws_secret_access_key: has no aws_secret_access_key in [default]`)
    expect(await valueOf({ ini, ...key, default: 'taken' })).toBe('taken')
    const { credentialsFile } = await sdk(join(await folder(), 'x'), text)
    expect(credentialsFile['default']?.['aws_secret_access_key']).toBeUndefined()
  })

  it('knows the names of objects only if they are there', async () => {
    const ini = await file('[default]\na = b\n')
    expect(await whyNot(valueOf({ ini, section: 'default', key: 'constructor' }))).toContain('has no constructor')
    expect(await whyNot(valueOf({ ini, section: '__proto__', key: 'toString' }))).toContain('has no toString')
  })
})

it('reads what the SDK reads, whatever the file', { timeout: patienceMs }, async () => {
  const path = join(await folder(), 'x')
  const name = fc.constantFrom(
    'default',
    'a',
    'b',
    'profile a',
    'profile "b"',
    'profile  a',
    'services a',
    'other a',
    ' a',
    '',
  )
  const word = fc.constantFrom('x', 'y', 'x y', '=', '#', ' ;c', '"q"', 'ä', 'x=y', '[', ']', '')
  const line = fc.oneof(
    name.map(one => `[${one}]`),
    fc
      .tuple(fc.constantFrom('', '  ', '\t'), word, fc.constantFrom('=', ' = ', ' '), word)
      .map(parts => parts.join('')),
    fc.array(word, { maxLength: 3 }).map(words => words.join(' ')),
  )
  await assertAsync(
    fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n')),
    async ([lines, end]) => {
      const text = lines.join(end)
      const { credentialsFile, configFile } = await sdk(path, text)
      for (const section of ['default', 'a', 'b'])
        expect(readIni(text, section)).toEqual(credentialsFile[section] ?? configFile[section] ?? {})
    },
    bounded(5, 2_000),
  )
})

it('reads any text, however long, with next to no work', { timeout: patienceMs }, () => {
  const part = fc.constantFrom('[a]\n', '[', ']', 'x', '=', 'x=y\n', ' ', '\t', '#', ';', '\n', '\r', 'profile ', '"')
  const repeated = fc.tuple(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 10_000 }))
  fc.assert(
    fc.property(fc.array(repeated, { maxLength: 4 }), pieces => {
      const text = pieces
        .map(([parts, times]) => parts.join('').repeat(times))
        .join('')
        .slice(0, 100_000)
      const spent = working()
      readIni(text, 'a')
      expect(spent()).toBeLessThan(1_000)
    }),
    bounded(4, 1_000),
  )
})
