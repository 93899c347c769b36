/** The console of a PgBouncer newer than Debian's, by src/admin.c of 1.24: only what it answers to, with these rows. */
import net from 'node:net'
import { extend, listen, type Listening } from './hostile.ts'

type Value = string | number | null
type Rows = readonly Readonly<Record<string, Value>>[]

export interface PgbouncerDouble extends Listening {
  /** The commands that it was given, in order. */
  readonly commands: readonly string[]
}

/** Answers to `show NAME` with the rows of that name; to any other command as PgBouncer does to one it does not know. */
export async function startPgbouncerDouble(tables: Readonly<Record<string, Rows>>): Promise<PgbouncerDouble> {
  const commands: string[] = []
  const answer = (command: string): Buffer => {
    commands.push(command)
    const rows = tables[/^show (\w+)$/.exec(command)?.[1] ?? '']
    return rows ? table(rows) : Buffer.concat([refusal(`invalid command '${command}', use SHOW HELP;`), ready])
  }
  const server = net.createServer(socket => {
    let left = Buffer.alloc(0)
    let started = false
    socket.on('error', () => undefined)
    socket.on('data', data => {
      left = Buffer.concat([left, data])
      for (;;) {
        const head = started ? 1 : 0
        if (left.length < head + 4) return
        const end = head + left.readInt32BE(head)
        if (left.length < end) return
        const [type, body] = [left.toString('latin1', 0, head), left.subarray(head + 4, end)]
        left = left.subarray(end)
        if (!started) {
          started = true
          socket.write(Buffer.concat([message('R', int32(0)), ready]))
        } else if (type === 'Q') socket.write(answer(body.toString('utf8', 0, body.length - 1)))
        else socket.end()
      }
    })
  })
  return extend(await listen(server), { commands })
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const int32 = (value: number): Buffer => Buffer.concat([int16(value >>> 16), int16(value & 65_535)])
const text = (value: string): Buffer => Buffer.from(`${value}\0`)

const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}
const ready = message('Z', Buffer.from('I'))
const refusal = (words: string): Buffer => message('E', text('SERROR'), text('C08P01'), text(`M${words}`), text(''))

const oidOf = (value: Value | undefined): number => (typeof value === 'number' ? 23 : 25)

/** RowDescription, a DataRow each, and the end: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function table(rows: Rows): Buffer {
  const columns = Object.keys(rows[0] ?? {})
  const described = columns.map(name =>
    Buffer.concat([text(name), int32(0), int16(0), int32(oidOf(rows[0]?.[name])), int16(-1), int32(-1), int16(0)]),
  )
  const written = rows.map(row => {
    const values = columns.map(name => {
      const value = row[name] ?? null
      return value === null
        ? int32(-1)
        : Buffer.concat([int32(Buffer.byteLength(String(value))), Buffer.from(String(value))])
    })
    return message('D', int16(columns.length), ...values)
  })
  return Buffer.concat([
    message('T', int16(columns.length), ...described),
    ...written,
    message('C', text('SHOW')),
    ready,
  ])
}
