import type { Config } from './load.ts'
import { ConfigError, describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Changes } from '../monitor/swap.ts'

/** What came of reading the configuration again, in words; with an error everything is as before. */
export interface Reloaded {
  readonly summary: string
  readonly error: string | undefined
}

/** Reads the configuration again. Never rejects. */
export type Reload = () => Promise<Reloaded>

export interface ReloadState {
  readonly lastReloadSuccessful: boolean
  /** When a good configuration was last read, in milliseconds since the epoch. */
  readonly lastReloadSuccessAt: number
}

export interface Reloader {
  readonly reload: Reload
  readonly state: () => ReloadState
}

export interface Reloading {
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
 * waits at most: whoever asks gets the outcome of one that begins after that.
 */
export function createReloader({ config: first, load, apply, log, stop }: Reloading): Reloader {
  let state: ReloadState = { lastReloadSuccessful: true, lastReloadSuccessAt: Date.now() }
  let current = first
  let underWay: Promise<Reloaded> | undefined
  let waiting: Promise<Reloaded> | undefined

  const once = async (): Promise<Reloaded> => {
    try {
      const config = await load()
      const isSame = config === current
      const { kept, started, ended } = isSame ? { kept: config.checks.length, started: 0, ended: 0 } : apply(config)
      current = config
      // After one that was refused it is news that all is well again.
      if (isSame) log[state.lastReloadSuccessful ? 'debug' : 'info']({ checks: kept }, 'the configuration is as before')
      else log.info({ checks: config.checks.length, kept, started, ended }, 'the configuration was reloaded')
      state = { lastReloadSuccessful: true, lastReloadSuccessAt: Date.now() }
      return { summary: `reloaded: ${kept} checks as before, ${started} started, ${ended} ended`, error: undefined }
    } catch (error) {
      if (stop.aborted) return { summary: '', error: 'the exporter ends' }
      state = { ...state, lastReloadSuccessful: false }
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
      if (!underWay && !waiting) return begin()
      waiting ??= (underWay ?? Promise.resolve()).then(() => {
        waiting = undefined
        return begin()
      })
      return waiting
    },
    state: () => state,
  }
}
