import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertmanagerBinary, alertmanagerInstall } from '../servers/alertmanager.ts'
import { haproxyBinary, haproxyInstall } from '../servers/haproxy.ts'
import { postfixBinary, postfixInstall } from '../servers/postfix.ts'
import { needs } from '../servers/processes.ts'
import { prometheusBinary, prometheusInstall } from '../servers/prometheus.ts'
import { play, untilQuiet, untilSilent } from './runner.ts'
import { scenarios } from './scenarios.ts'
import { startStage, type Stage } from './stage.ts'

const able = [
  needs('Prometheus', prometheusBinary(), prometheusInstall),
  needs('Alertmanager', alertmanagerBinary(), alertmanagerInstall),
  needs('HAProxy', haproxyBinary(), haproxyInstall),
  needs('Postfix', postfixBinary(), postfixInstall),
].every(Boolean)

/** Every wait in it has a limit of its own. */
const timeoutMs = 600_000

describe.skipIf(!able)(
  'the whole chain: who is notified of what, through Prometheus and Alertmanager',
  { tags: 'slow' },
  () => {
    let stage: Stage
    beforeAll(async () => {
      stage = await startStage()
      await untilQuiet(stage.monitoring)
    }, timeoutMs)
    afterAll(() => stage.stop(), timeoutMs)

    it.each(scenarios.filter(({ tested }) => tested))(
      '$name',
      async scenario => {
        expect((await play(scenario, stage)).wrong).toEqual([])
      },
      timeoutMs,
    )

    it('tells the dead man nothing any more once Prometheus is dead', () => untilSilent(stage.monitoring), timeoutMs)
  },
)
