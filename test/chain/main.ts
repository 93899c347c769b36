/** `npm run chain [-- PATTERN]`: faults in real servers, and who is told of them, with figures. */
import { play, untilQuiet, untilSilent, type Heard } from './runner.ts'
import { scenarios } from './scenarios.ts'
import { startStage } from './stage.ts'

const pattern = new RegExp(process.argv[2] ?? '', 'i')
const chosen = scenarios.filter(({ name }) => pattern.test(name))
if (chosen.length === 0) {
  process.stderr.write(`there is no such scenario; there are:\n${scenarios.map(({ name }) => `  ${name}\n`).join('')}`)
  process.exit(64)
}
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const described = ({ expected: { to, alert }, afterMs, overAfterMs }: Heard): string =>
  `  ${to.padEnd(17)} ${alert.padEnd(28)} after ${seconds(afterMs).padStart(6)}${overAfterMs === undefined ? '' : `, over ${seconds(overAfterMs)} after the healing`}`

const began = Date.now()
const stage = await startStage()
let failed = 0
try {
  await untilQuiet(stage.monitoring)
  print(`the chain stands, and nothing fires (${seconds(Date.now() - began)})`)
  for (const scenario of chosen) {
    print(`\n${scenario.name}`)
    const outcome = await play(scenario, stage).catch((error: unknown) => ({
      wrong: [String(error)],
      heard: [],
      silenced: [],
      watchdogs: 0,
      seconds: 0,
    }))
    outcome.heard.map(described).forEach(print)
    outcome.silenced.forEach(one => print(`  silenced          ${one}`))
    print(`  MailWatchdog ${outcome.watchdogs} times in ${outcome.seconds.toFixed(1)} s`)
    outcome.wrong.forEach(one => print(`  WRONG: ${one}`))
    failed += Number(outcome.wrong.length > 0)
  }
  const killedAt = Date.now()
  await untilSilent(stage.monitoring)
  print(`\nPrometheus is killed: the dead man is told nothing any more (seen after ${seconds(Date.now() - killedAt)})`)
} finally {
  await stage.stop()
}
print(`\n${failed === 0 ? 'all as it should be' : `${failed} failed`}, ${seconds(Date.now() - began)}`)
process.exitCode = failed > 0 ? 1 : 0
