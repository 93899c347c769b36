import { allowedOptions, badOption, splitOptions, type BadOption } from './node-options.ts'
import { variableOf } from './variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Of what it was started with. */
export interface Start {
  readonly environment: Environment
  /** `process.execArgv`. */
  readonly nodeArguments: readonly string[]
  /** By a developer, who may debug it and has a loader of TypeScript. */
  readonly fromSource: boolean
}

const more = 'See docs/environment.md.'
const some = allowedOptions.slice(0, 3).map(name => `--${name}`)

/**
 * One line that says why there must be no start, and what to do instead: Node has obeyed it already when our first line
 * runs. Undefined where there is nothing of the kind.
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
