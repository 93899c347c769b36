import { checkStart, environment } from './environment/taken.ts'
import { isMainThread } from 'node:worker_threads'
import { check, checkConfig } from './cli/check.ts'
import { helpText } from './cli/help.ts'
import { init } from './cli/init.ts'
import { UsageError, parseCommand, type Options } from './cli/parse.ts'
import { OutputError, runAsProcess, type Kind, type Outcome, type Process } from './cli/process.ts'
import { serve } from './cli/serve.ts'
import { configTask } from './config/load.ts'
import { answerAside } from './core/aside.ts'
import { ConfigError, codeOf, describeError } from './core/errors.ts'
import { exitCode } from './core/probe.ts'
import { shown, shownLines } from './core/shown.ts'
import { version } from './core/version.ts'
import { kubeconfigTask } from './references/kubeconfig.ts'
import { webConfigTask } from './web/config.ts'

/** Of sysexits.h, but for the first. */
const ex = { failure: 1, usage: 64, output: 74, config: 78 }

/** Runs the command of the command line. Gives the exit code. */
async function main(own: Process): Promise<number> {
  const options = parseCommand(process.argv.slice(2), environment)
  own.is(kindOf(options))
  if (options.command !== 'help' && options.command !== 'version') checkStart()
  switch (options.command) {
    case 'help':
      await own.print(shownLines(helpText()))
      return 0
    case 'version':
      await own.print(shown`mailpath-exporter ${version} (node ${process.version})\n`)
      return 0
    case 'check-config':
      return checkConfig(options, own)
    case 'check':
      return check(options, own)
    case 'init':
      return init(options, own)
    case 'serve':
      return serve(options, own)
  }
}

/** A `check` that ends early has found nothing out: exit code 0 would say that all is well, and 1 a warning. */
function kindOf({ command }: Options): Kind {
  const unknown = exitCode('unknown')
  if (command === 'check') return { cutOff: unknown, unforeseen: unknown, isDaemon: false }
  const isDaemon = command === 'serve'
  return { cutOff: isDaemon ? 0 : ex.failure, unforeseen: ex.failure, isDaemon }
}

function outcomeOf(error: unknown, { unforeseen }: Kind): Outcome {
  if (error instanceof ConfigError) return { code: ex.config, text: error.message }
  const text = `mailpath-exporter: ${describeError(error)}`
  if (error instanceof UsageError) return { code: ex.usage, text: `${text}\nTry mailpath-exporter --help.` }
  if (!(error instanceof OutputError)) return { code: unforeseen, text }
  // The reader has all that it wanted, as `head` does.
  return { code: unforeseen === ex.failure ? ex.output : unforeseen, text: codeOf(error) === 'EPIPE' ? '' : text }
}

if (isMainThread) runAsProcess(main, outcomeOf)
else answerAside([configTask, kubeconfigTask, webConfigTask])
