import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { environment, flags } from '../../src/cli/flags.ts'
import { bashCompletion, fishCompletion, zshCompletion } from '../../docs/generate/completion.ts'
import { helpText } from '../../src/cli/help.ts'
import { manPage } from '../../docs/generate/man.ts'
import { runProcess } from '../servers/processes.ts'
import { optional } from './optional.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = path.join(root, 'packaging/man/mailpath-exporter.1')
const completion = (file: string): string => path.join(root, 'packaging/completion', file)

describe('the files that follow from the flags', () => {
  it('the man page', () => expect(manPage()).toMatchFileSnapshot(page))
  it.each([
    ['mailpath-exporter.bash', bashCompletion],
    ['_mailpath-exporter', zshCompletion],
    ['mailpath-exporter.fish', fishCompletion],
  ])('%s', (file, text) => expect(text()).toMatchFileSnapshot(completion(file)))
})

describe('the help', () => {
  it('fits a terminal of 100 columns', () => {
    for (const line of helpText().split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
  })

  it('explains every flag in a sentence', () => {
    for (const [name, { meaning }] of Object.entries(flags)) expect(meaning, name).toMatch(/^[A-Z].{10,}\.$/s)
  })

  it('names every environment variable that the code reads', async () => {
    const sources = (await readdir(path.join(root, 'src'), { recursive: true })).filter(file => file.endsWith('.ts'))
    const texts = await Promise.all(sources.map(file => readFile(path.join(root, 'src', file), 'utf8')))
    const read = texts.flatMap(text =>
      [...text.matchAll(/\benv\[['"]([A-Z_]+)['"]\]|\b([A-Z_]{5,}): \w+[^\n]*\} = env\b/g)].flatMap(([all]) => [
        ...all.matchAll(/[A-Z_]{4,}/g),
      ]),
    )
    expect(read.length).toBeGreaterThan(4)
    const explained = environment.map(([names]) => names).join(' ')
    for (const [name] of read) expect(explained).toContain(name)
  })
})

describe.skipIf(!optional('man', 'apt-get install man-db groff'))('the man page, by groff', () => {
  it('has no warnings, and shows every flag', async () => {
    const { PATH } = process.env
    const env = { PATH, LC_ALL: 'C.UTF-8', MANWIDTH: '100', MANROFFOPT: '', PAGER: 'cat', MANPAGER: 'cat' }
    const shown = await runProcess('man', ['--warnings=w', '-l', page], { env })
    // Bold by overstriking.
    const plain = shown.replace(/.\u0008/g, '').replace(/\u001b\[\d*m/g, '')
    expect(plain).not.toMatch(/: (warning|error)\b/)
    for (const name of Object.keys(flags)) expect(plain).toContain(`--${name}`)
  })
})

describe.skipIf(!optional('mandoc', 'apt-get install mandoc'))('the man page, by mandoc', () => {
  it('has no warnings but that it has no date', async () => {
    const lint = await runProcess('sh', ['-c', 'mandoc -T lint -W warning "$1" || true', 'sh', page])
    expect(lint.split('\n').filter(line => line !== '' && !line.includes('missing date'))).toEqual([])
  })
})

describe.skipIf(!optional('bash', 'apt-get install bash'))('the completion of bash', () => {
  /** What is offered for the last word, as readline splits the line: at spaces, and around each `=`. */
  async function offered(line: string, folder = root): Promise<string[]> {
    const words = line.split(/ +|(?==)|(?<==)/)
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mailpath_exporter; printf '%s\\n' "\${COMPREPLY[@]}"`
    const args = ['-c', script, 'bash', completion('mailpath-exporter.bash'), ...words]
    const text = await runProcess('bash', args, { cwd: folder })
    return text.split('\n').filter(word => word !== '')
  }

  it('can be read by bash', async () => {
    expect(await runProcess('bash', ['-n', completion('mailpath-exporter.bash')])).toBe('')
  })

  it.each([
    ['mailpath-exporter ', ['serve', 'check', 'check-config', 'init']],
    ['mailpath-exporter check-', ['check-config']],
    ['mailpath-exporter --log.', ['--log.level=', '--log.format=']],
    ['mailpath-exporter --log.level=', ['debug', 'info', 'warn', 'error']],
    ['mailpath-exporter --log.level=e', ['error']],
    ['mailpath-exporter check --format mark', ['markdown']],
    ['mailpath-exporter check --only=se', ['ses', 'settings']],
    ['mailpath-exporter --config.file=CHANGE', ['CHANGELOG.md']],
    ['mailpath-exporter --config.file CONTRIB', ['CONTRIBUTING.md']],
    ['mailpath-exporter --web.listen-address ', []],
    ['mailpath-exporter --web.listen-address=', []],
  ])('%s', async (line, words) => {
    expect(await offered(line)).toEqual(words)
  })

  it('offers every flag', async () => {
    expect((await offered('mailpath-exporter --')).map(word => word.replace(/^--|=$/g, ''))).toEqual(Object.keys(flags))
  })
})

describe.skipIf(!optional('zsh', 'apt-get install zsh'))('the completion of zsh', () => {
  it('can be read by zsh', async () => {
    expect(await runProcess('zsh', ['-n', completion('_mailpath-exporter')])).toBe('')
  })
})

describe.skipIf(!optional('fish', 'apt-get install fish'))('the completion of fish', () => {
  it.each([
    ['mailpath-exporter check-', /^check-config\t/],
    ['mailpath-exporter check --form', /^--format\t/],
    ['mailpath-exporter --log.level=e', /^--log\.level=error\t/],
  ])('%s', async (line, expected) => {
    const script = `source ${completion('mailpath-exporter.fish')}; complete -C '${line}'`
    expect(await runProcess('fish', ['--no-config', '-c', script])).toMatch(expected)
  })
})
