import { existsSync } from 'node:fs'
import path from 'node:path'
import { startProcess, tempFolder, waitFor } from '../servers/processes.ts'

/** A message of sd_notify(3), and when it came by CLOCK_MONOTONIC, in microseconds. */
interface Message {
  readonly at: number
  readonly assignments: readonly string[]
}

export interface NotifySocket {
  /** What NOTIFY_SOCKET is to be. */
  readonly address: string
  /** Without the barriers, by which systemd-notify waits until it was read. */
  messages(): readonly Message[]
  /** How many messages have this assignment, since a time. */
  count(assignment: string, since?: number): number
  now(): number
  close(): Promise<void>
}

const receiver = `
import json, socket, sys, time
address = sys.argv[1]
receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiving.bind("\\0" + address[1:] if address.startswith("@") else address)
print("bound", flush=True)
while True:
    # The descriptor of a barrier is dropped, which tells the sender that its message was read.
    text = receiving.recv(65536).decode()
    print(json.dumps({"at": time.monotonic_ns() // 1000, "assignments": text.strip().split("\\n")}), flush=True)
`

/** What systemd has at the other end: a datagram socket of the Unix kind, which Node cannot open. */
export async function openNotifySocket(kind: 'path' | 'abstract' = 'path'): Promise<NotifySocket> {
  const folder = tempFolder('mailpath-notify-')
  const file = path.join(folder, 'notify')
  const logFile = path.join(folder, 'messages')
  const address = kind === 'path' ? file : `@mailpath-${process.pid}-${path.basename(folder)}`
  const python = startProcess('notify-socket', 'python3', ['-c', receiver, address], { logFile })
  const lines = (): string[] => (existsSync(logFile) ? python.log().split('\n').slice(0, -1) : [])
  await waitFor(() => lines().includes('bound'), { timeoutMs: 10_000, what: 'the socket is bound' })
  const messages = (): Message[] =>
    lines()
      .slice(1)
      .map(line => JSON.parse(line) as Message)
      .filter(({ assignments }) => !assignments.includes('BARRIER=1'))
  return {
    address,
    messages,
    count: (assignment, since = 0) =>
      messages().filter(({ at, assignments }) => at >= since && assignments.includes(assignment)).length,
    now: () => Number(process.hrtime.bigint() / 1000n),
    close: () => python.stop(),
  }
}
