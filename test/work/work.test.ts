/**
 * What the exporter costs, without a quiet machine: how many functions it calls in a fixed scenario, and what it asks of servers.
 * `figures.json` has what was accepted. What is within a tenth of it is taken for the same.
 */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startServers } from '../../bench/stage/servers.ts'
import { haproxyBinary, haproxyInstall } from '../servers/haproxy.ts'
import { nsdBinary, nsdInstall } from '../servers/nsd.ts'
import { patroniBinary, patroniInstall } from '../servers/patroni.ts'
import { pgbouncerBinary, pgbouncerInstall } from '../servers/pgbouncer.ts'
import { needs } from '../servers/processes.ts'
import { measure, type Figures } from './scenario.ts'
import { told } from './told.ts'

const file = 'figures.json'

/** All of them: a figure that is not counted would be one that has gone. */
const hasServers = [
  needs('HAProxy', haproxyBinary(), haproxyInstall),
  needs('Patroni', patroniBinary(), patroniInstall),
  needs('PgBouncer', pgbouncerBinary(), pgbouncerInstall),
  needs('nsd', nsdBinary(), nsdInstall),
].every(Boolean)

it.skipIf(!hasServers)(
  'the work of the exporter is within a tenth of what was accepted',
  { tags: 'slow' },
  async () => {
    const accepted = JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8')) as Figures
    const servers = await startServers()
    try {
      const { figures, changes } = told(accepted, await measure(servers))
      const text = `${JSON.stringify(figures, undefined, 2)}\n`
      const how = 'accept it with: npx vitest run test/work -u'
      await expect(text, `${changes.join('; ')}; ${how}`).toMatchFileSnapshot(`./${file}`)
    } finally {
      await servers.stop()
    }
  },
)
