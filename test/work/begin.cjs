// Begins the program whose main.js is its first argument, and counts the calls of functions in it and its packages. The parent asks
// over the channel of `fork`, and hears of those since it asked last. The program itself refuses `node --require`.
const { Session } = require('node:inspector')

const session = new Session()
session.connect()

/** In a session within the process the answer is there when `post` returns. */
function ask(method, params) {
  let answer
  session.post(method, params, (error, result) => {
    if (error) throw new Error(error.message)
    answer = result
  })
  return answer
}

ask('Profiler.enable')
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false })

/** Those of Node itself differ from version to version. */
const isCounted = ({ url }) => url.startsWith('file:') && url !== `file://${__filename}`

process.on('message', () => {
  const { result } = ask('Profiler.takePreciseCoverage')
  const counts = result.filter(isCounted).flatMap(({ functions }) => functions.map(one => one.ranges[0].count))
  process.send(counts.reduce((total, count) => total + count, 0))
})
process.channel.unref()

process.argv.splice(1, 1)
require(process.argv[1])
