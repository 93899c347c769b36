/**
 * The hostile side, in a process of its own: keeps so many connections of one shape, and opens one again a while after it
 * was closed. Writes a line when all were tried once.
 */
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { shapes } from './shapes.ts'

const [name, port, connections, openMs] = process.argv.slice(2)
const shape = shapes.find(one => one.name === name)
if (!shape) throw new Error(`there is no shape ${name ?? ''}`)
const again = 1_500
const wanted = Number(connections)
let tried = 0
let opened = 0

/** From addresses of the loopback, all of it is one to the exporter. */
function one(): void {
  const at = { host: '127.0.0.1', port: Number(port) }
  const isPlain = shape?.speaks === 'tcp' || shape?.speaks === 'http'
  let isFirst = true
  const done = (): void => {
    if (isFirst && ++tried % wanted === 0) process.stdout.write(`tried ${tried}, open ${opened}\n`)
    isFirst = false
  }
  const onOpen = (): void => {
    opened++
    socket.once('close', () => opened--)
    shape?.open(socket)
    done()
  }
  const socket = isPlain
    ? connect(at, onOpen)
    : connectTls({ ...at, rejectUnauthorized: false, ...(shape?.speaks === 'h2' && { ALPNProtocols: ['h2'] }) }, onOpen)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    done()
    setTimeout(one, again * (0.5 + Math.random()))
  })
}

for (let i = 0; i < wanted; i++) setTimeout(one, (i / wanted) * Number(openMs))
