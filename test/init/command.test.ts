/** The command as a user types it: where it writes, and what it says of mistakes. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { refusedPort } from '../servers/hostile.ts'
import { startProcess } from '../servers/processes.ts'
import { program } from '../servers/program.ts'
import { envFile } from './first.ts'

async function ran(...args: string[]): Promise<{ code: number | null; output: string }> {
  const running = startProcess('mailpath-exporter', process.execPath, [...program, 'init', ...args])
  onTestFinished(() => running.stop())
  return { code: await running.exited, output: running.log() }
}

it('prints without --output, and says the next command as it was started itself', async () => {
  const { code, output } = await ran(`--dotenv=${await envFile('SMTP_HOST=relay\n')}`)
  expect(code).toBe(0)
  expect(output).toContain('\nsmtp:\n')
  expect(output).toContain(`\n  node ${program.at(-1) ?? ''} check --config.file=mailpath.yml\n`)
})

it('never writes over a file, and leaves none behind that has nothing in it', async () => {
  const file = await envFile('SMTP_HOST=relay\n')
  const taken = path.join(path.dirname(file), 'mailpath.yml')
  await writeFile(taken, 'mine\n')
  const again = await ran(`--dotenv=${file}`, `--output=${taken}`)
  expect(again).toEqual({
    code: 74,
    output: `mailpath-exporter: --output: ${taken}: is there already, and is not overwritten; move it away, or give another name\n`,
  })
  expect(await readFile(taken, 'utf8')).toBe('mine\n')

  const empty = await envFile('NODE_ENV=production\n')
  const free = path.join(path.dirname(empty), 'mailpath.yml')
  const none = await ran(`--dotenv=${empty}`, `--output=${free}`)
  expect(none.code).toBe(1)
  expect(none.output).toContain(`${empty}: has none of the usual settings of a database or of mail\n`)
  expect(none.output).toContain('there is nothing to write')
  await expect(readFile(free)).rejects.toThrow('ENOENT')
})

it('writes the rest with exit code 1 when a source is down, and check-config takes it', async () => {
  const { port, close } = await refusedPort()
  onTestFinished(close)
  const file = await envFile('DATABASE_URL=postgres://app:hunter2@db/shop\nSMTP_HOST=relay\n')
  const output = path.join(path.dirname(file), "it's.yml")
  const found = await ran(`--dotenv=${file}`, `--patroni=http://127.0.0.1:${port}`, `--output=${output}`)
  expect(found.code).toBe(1)
  expect(found.output).toContain(`127.0.0.1:${port}: connect ECONNREFUSED`)
  expect(found.output).toContain(`check --config.file='${output.replace("'", `'\\''`)}'`)
  const config = startProcess('check-config', process.execPath, [...program, 'check-config', `--config.file=${output}`])
  onTestFinished(() => config.stop())
  expect(await config.exited).toBe(0)
})

it.each([
  [[], 64, 'init needs something to look at, such as --dotenv=FILE and --patroni=URL'],
  [['--dotenv=/nowhere/.env'], 78, '/nowhere/.env: there is no such file; give its path with --dotenv'],
  [['--patroni=db-1:8008'], 64, '--patroni: not a valid URL; expected one such as http://db-1:8008'],
  [['--vault=https://root:hunter2@vault'], 64, '--vault: the URL must not hold a user or a password'],
  [['--kubernetes=backend'], 64, '--kubernetes must be NAMESPACE/SECRET, such as mail/backend'],
  [
    ['--vault=http://127.0.0.1:1', '--ca-file=/nowhere/ca.pem'],
    78,
    '--ca-file: /nowhere/ca.pem: there is no such file',
  ],
  [['--only=smtp'], 64, '--only goes with the command check'],
])('says of %j what to give instead', async (args, code, said) => {
  const found = await ran(...args)
  expect(found.code).toBe(code)
  expect(found.output).toContain(said)
  expect(found.output).not.toContain('hunter2')
})
