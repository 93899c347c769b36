import { parseArgs } from 'node:util'
import { describeError } from '../../src/core/errors.ts'
import { defaultPort } from './exporter.ts'
import { scenarios } from './scenarios.ts'

export const usage = `Usage: npm run demo -- [options]

Starts a mail platform on this machine, broken as in the incident, and the exporter in front of it: a real Postgres
primary with two streaming standbys and an outbox in it, a router in place of HAProxy, a real SMTP server, a mailbox with
IMAP (the test server of this project), and doubles of Vault, SES and the Kubernetes API. Neither root nor Docker is needed, and all of it ends with the demo.

Options:
  --once     run \`check\` once, print the audit, and exit with its code (2: mail cannot be sent)
  --port=N   port of the exporter, 0 for any (default: ${defaultPort}, or the next one that is free)
  --help

While it runs, keys (also through a pipe) break the platform and heal it:
${scenarios.map(({ key, name }) => `  ${key}   ${name}`).join('\n')}
  q   quit
`

/** The command line is wrong: exit code 64 (EX_USAGE). */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

interface Options {
  readonly once: boolean
  readonly port: number | undefined
  readonly help: boolean
}

/** Throws a UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const { once = false, port, help = false } = parsed(args)
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535))
    throw new UsageError(`--port must be a number from 0 to 65535, not ${JSON.stringify(port)}`)
  if (once && port !== undefined) throw new UsageError('--port does not go with --once, which serves nothing')
  return { once, help, port: port === undefined ? undefined : Number(port) }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { once: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    throw new UsageError(describeError(error))
  }
}
