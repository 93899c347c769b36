import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { haproxyBinary, haproxyInstall } from '../servers/haproxy.ts'
import { rewindBinaries, rewindInstall } from '../servers/postgres-binaries.ts'
import { have, needs, runProcess } from '../servers/processes.ts'
import { startStage, type Stage } from './compose-stage.ts'

// Where pg_rewind is, pg_basebackup and psql are as well.
const postgres = rewindBinaries()
const all = [
  needs('a server with pg_basebackup', postgres, rewindInstall),
  needs('haproxy', haproxyBinary(), haproxyInstall),
  needs('openssl', have('openssl'), 'apt-get install openssl'),
].every(Boolean)

describe.skipIf(!all)('the platform of the compose file', { timeout: 120_000 }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage(postgres ?? '')
  }, 120_000)
  afterAll(() => stage.stop())

  it('is ok when it is healthy', async () => {
    const { code, text } = await stage.check()
    expect(text).not.toMatch(/^ {2}(warn|fail|unknown)/m)
    expect(text).toMatch(/app: OK/i)
    expect(code).toBe(0)
  })

  it('has the incident after the line of the README', async () => {
    const readme = await readFile(new URL('../../deploy/README.md', import.meta.url), 'utf8')
    const [line = ''] = /^echo DATABASE_URL=.*$/m.exec(readme) ?? []
    await runProcess('sh', ['-c', line], { cwd: stage.folder })
    await writeFile(stage.appEnv, stage.translate(await readFile(stage.appEnv, 'utf8')))
    const { code, text } = await stage.check()
    expect(text).toMatch(/app: BLOCKED by write_path\/DATABASE_URL/)
    expect(text).toMatch(/lands on \S+ \(standby\)/)
    expect(code).toBe(2)
  })
})
