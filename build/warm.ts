/**
 * Starts the program given, until it has answered its first scrape, and writes down what V8 has compiled by then. Run by
 * `build/main.ts`, as CommonJS: `node warm.cjs <bundle> <folder>`.
 */
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { undoKeepSmall } from '../src/cli/heap.ts'
import { cacheOf, load } from '../src/load.ts'

const [, , bundle = '', folder = ''] = process.argv
const [configFile, socketPath] = [path.join(folder, 'mailpath.yml'), path.join(folder, 'web.sock')]

/** Targets as there usually are. Nobody listens at port 9 of this machine. */
const secret = { env: 'UNSET' }
const url = 'postgres://a@127.0.0.1:9/a'
const config = {
  postgres: [{ name: 'a', cluster: 'a', url, password: secret }],
  write_path: [{ name: 'a', cluster: 'a', url, password: secret }],
  smtp: [{ name: 'a', host: '127.0.0.1', port: 9, user: 'a', password: secret }],
  vault: [{ name: 'a', url: 'http://127.0.0.1:9', token: secret, secrets: [{ path: 'a/data/a', keys: ['A'] }] }],
  settings: [{ name: 'a', from: { dotenv: path.join(folder, '.env') }, expect: { A: { present: true } } }],
  mail: [{ name: 'a', write_path: ['a'], smtp: ['a'], settings: ['a'] }],
}
writeFileSync(configFile, JSON.stringify(config, undefined, 2))
process.argv.splice(2, 2, `--config.file=${configFile}`, `--web.listen-address=unix:${socketPath}`, '--log.level=error')
const script = load(bundle)

function scrape(): void {
  const request = get({ socketPath, path: '/metrics', agent: false }, answer => {
    answer.resume().on('end', () => {
      // It will be loaded before they are set.
      undoKeepSmall()
      writeFileSync(cacheOf(bundle), script.createCachedData())
      process.exit(answer.statusCode === 200 ? 0 : 1)
    })
  })
  request.on('error', () => setTimeout(scrape, 5))
}
scrape()
