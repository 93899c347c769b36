// What `helm test` runs: the exporter answers under its name, and every check has run once. Whether mail can be sent is
// printed, and does not decide: that is what the alerts are for.
const [url, seconds] = process.argv.slice(1)
const until = Date.now() + 1000 * seconds

const get = path => fetch(url + path, { signal: AbortSignal.timeout(10_000) })

// It is not ready before every check has run, which takes as long as the slowest of them.
async function ready() {
  for (;;) {
    const answer = await get('/-/ready').then(
      async response => ({ status: response.status, text: await response.text() }),
      error => ({ status: 0, text: error.cause?.message ?? error.message }),
    )
    if ([200, 401].includes(answer.status)) return answer.status
    if (Date.now() > until) throw new Error(`${url} is not ready: ${answer.text}`)
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

try {
  if ((await ready()) === 401) console.log(`${url} asks for a password, so it is there. More is not known without one.`)
  else {
    const { verdict, mail_paths } = await (await get('/api/v1/status')).json()
    console.log(`${url} is ready. Mail: ${verdict}`)
    for (const { name, verdict, blockers } of mail_paths)
      console.log([`- ${name}: ${verdict}`, ...blockers.filter(one => one.root).map(one => one.text)].join(': '))
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
