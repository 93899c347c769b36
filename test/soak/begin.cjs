// Begins the daemon of the soak, whose main.js is its first argument; it refuses `node --require`. At SIGUSR2 it writes what is open in it, and what it holds, into
// the file that SOAK_INSIDE names.
const { readdirSync, readlinkSync, renameSync, writeFileSync } = require('node:fs')

const file = process.env.SOAK_INSIDE
delete process.env.SOAK_INSIDE
let collect

function kindOf(fd) {
  try {
    return /^(\w+):/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? 'file'
  } catch {
    // The one that the folder was read with.
    return 'file'
  }
}

process.on('SIGUSR2', () => {
  if (collect === undefined) {
    // Not before: with another flag V8 would not take what was compiled at the build.
    require('node:v8').setFlagsFromString('--expose-gc')
    collect = require('node:vm').runInNewContext('gc')
  }
  collect()
  const open = [
    ...process.getActiveResourcesInfo().map(kind => `handle ${kind}`),
    ...readdirSync('/proc/self/fd').map(fd => `fd ${kindOf(fd)}`),
  ]
  const counts = {}
  for (const one of open) counts[one] = (counts[one] ?? 0) + 1
  const { heapUsed, external, rss } = process.memoryUsage()
  writeFileSync(`${file}.new`, JSON.stringify({ counts, heap: heapUsed + external, rss }))
  renameSync(`${file}.new`, file)
})

process.argv.splice(1, 1)
require(process.argv[1])
