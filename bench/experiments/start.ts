import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/servers/processes.ts'
import { experiment } from '../experiment.ts'
import { scrapeOnce } from '../measure/scrape.ts'
import { exporterProgram } from '../stage/exporter.ts'
import { blackbox, blackboxProgram, missing } from '../stage/peers.ts'
import { plain, plainProgram } from '../stage/plain.ts'
import { launch, type Program } from '../stage/subject.ts'
import { configOf } from '../stage/targets.ts'

const bareNode = (folder: string, port: number): Program => ({
  name: 'bare-node',
  command: process.execPath,
  args: ['-e', `require('node:http').createServer((_, r) => r.end('x')).listen(${port}, '127.0.0.1')`],
  folder,
})

/** Milliseconds from the start of the process to the first good answer. */
async function timeToAnswer(program: (port: number) => Program): Promise<number> {
  const port = await freePort()
  const from = performance.now()
  const subject = launch(program(port), port)
  try {
    while (subject.process.alive() && performance.now() - from < 20_000) {
      const status = await scrapeOnce(subject.url, 5_000).then(answer => answer.status).catch(() => 0) // prettier-ignore
      if (status === 200) return performance.now() - from
      await sleep(2)
    }
    throw new Error(`${subject.name} gives no answer:\n${subject.log().slice(-1000)}`)
  } finally {
    await subject.stop()
  }
}

export const start = experiment({
  id: 'start',
  title: 'Start',
  how: 'From the start of the process to the first 200 on /metrics, asked every 2 ms, with ten targets; against Node.js with an empty HTTP server, plain, which loads all of its packages first, and blackbox_exporter.',
  missing: () => missing(blackbox),
  lines: {
    start: {
      what: 'Start to the first 200 on /metrics',
      unit: 'ms',
      better: 'lower',
      peer: 'bare Node.js',
    },
    plain: {
      what: 'Start to the first 200 on /metrics',
      unit: 'ms',
      better: 'lower',
      peer: plain,
      goal: { kind: 'ratio', bound: 0.8 },
    },
    blackbox: { what: 'Start to the first 200 on /metrics', unit: 'ms', better: 'lower', peer: blackbox.name },
  },
  async measure({ servers, quick }) {
    const { folder, env } = servers
    const configFile = path.join(folder, 'start.yml')
    await writeFile(configFile, JSON.stringify(configOf(servers, 10)))
    const peer = await blackboxProgram(folder)
    const [ours, bare, floor, theirs]: [number[], number[], number[], number[]] = [[], [], [], []]
    for (let turn = 0; turn < (quick ? 2 : 12); turn++) {
      ours.push(await timeToAnswer(port => exporterProgram(folder, configFile, port, env)))
      bare.push(await timeToAnswer(port => bareNode(folder, port)))
      floor.push(await timeToAnswer(port => plainProgram(folder, configFile, port, env)))
      theirs.push(await timeToAnswer(peer))
    }
    return { lines: { start: { ours, peer: bare }, plain: { ours, peer: floor }, blackbox: { ours, peer: theirs } } }
  },
})
