import { allowedOptions, badOption, splitOptions, type BadOption } from './node-options.ts'
import { variableOf } from './variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment at the start. */
interface Start {
  readonly environment: Environment
  /** `process.execArgv`. */
  readonly nodeArguments: readonly string[]
  /** Started from its sources by a developer, who may debug it and has a loader of TypeScript. */
  readonly fromSource: boolean
}

const more = 'See docs/environment.md.'
const some = allowedOptions.slice(0, 3).map(name => `--${name}`)

/**
 * Says in one line why the exporter must not start, and what to do instead: Node has obeyed the option before our first
 * line runs. Undefined if it may start.
 */
export function refusal({ environment, nodeArguments, fromSource }: Start): string | undefined {
  for (const [name, value] of Object.entries(environment)) {
    const { effect, meaning, harmlessValues = [], instead = '' } = variableOf(name) ?? {}
    if (effect === 'refused' && value && !harmlessValues.includes(value))
      return `${name} is set. ${meaning ?? ''} Start it without ${name}. ${instead} ${more}`
  }
  const inVariable = badOption(splitOptions(environment['NODE_OPTIONS'] ?? ''))
  if (inVariable) return refused(inVariable, `NODE_OPTIONS has ${inVariable.option}`)
  const inCommand = fromSource ? undefined : badOption(nodeArguments)
  return inCommand && refused(inCommand, `node was started with ${inCommand.option}`)
}

const refused = ({ option, why }: BadOption, what: string): string =>
  `${what}: ${why}. Start it without ${option}. Allowed are ${some.join(', ')} and some others. ${more}`
