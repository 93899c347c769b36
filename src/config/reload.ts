import type { Config } from './load.ts'
import { ConfigError, describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { ReloadState } from '../exposition/samples.ts'
import type { Changes } from '../monitor/swap.ts'

/** What came of reading the configuration again, in words; with an error everything is as before. */
interface Reloaded {
  readonly summary: string
  readonly error: string | undefined
}

/** Reads the configuration again. Never rejects. */
export type Reload = () => Promise<Reloaded>

interface Reloader {
  readonly reload: Reload
  readonly state: () => ReloadState
}

interface Reloading {
  /** The one that holds at first. */
  readonly config: Config
  /**
   * Reads, parses and builds, and throws where anything is wrong. The very same object says that nothing has changed since
   * it was last given.
   */
  readonly load: () => Promise<Config>
  /** Cannot fail. */
  readonly apply: (config: Config) => Changes
  readonly log: Logger
  /** From then on nothing is reloaded, and nothing said. */
  readonly stop: AbortSignal
}

/**
 * All or nothing: `apply` comes only after a `load` that has found everything good. One reload is under way and one
 * waits at most: each caller gets the outcome of one that begins after its call.
 */
export function createReloader({ config: first, load, apply, log, stop }: Reloading): Reloader {
  let state: ReloadState = { successful: true, successAt: Date.now() }
  let current = first
  let underWay: Promise<Reloaded> | undefined
  let waiting: Promise<Reloaded> | undefined

  const once = async (): Promise<Reloaded> => {
    try {
      const config = await load()
      const isSame = config === current
      const changes = isSame ? { kept: config.checks.length, started: 0, ended: 0 } : apply(config)
      current = config
      // After one that was refused it is news that all is well again.
      if (isSame) log[state.successful ? 'debug' : 'info']({ checks: changes.kept }, 'the configuration is as before')
      else log.info({ checks: config.checks.length, ...changes }, 'the configuration was reloaded')
      state = { successful: true, successAt: Date.now() }
      return { summary: `reloaded: ${described(changes)}`, error: undefined }
    } catch (error) {
      if (stop.aborted) return { summary: '', error: 'the exporter ends' }
      state = { ...state, successful: false }
      // One problem a line.
      const text = error instanceof ConfigError ? error.message : describeError(error)
      log.error({ error: text }, 'the configuration was not reloaded, and the one before it still holds')
      return { summary: '', error: text }
    }
  }
  const begin = (): Promise<Reloaded> => {
    underWay = once().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  return {
    reload() {
      if (underWay)
        waiting ??= underWay.then(() => {
          waiting = undefined
          return begin()
        })
      return waiting ?? begin()
    },
    state: () => state,
  }
}

const described = ({ kept, started, ended }: Changes): string =>
  `${kept} checks as before, ${started} started, ${ended} ended`
