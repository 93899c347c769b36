import type { Config } from './config/load.ts'
import { ConfigError, describeError } from './core/errors.ts'
import type { Logger } from './core/log.ts'
import type { Changes } from './monitor.ts'

/** What came of reading the configuration anew, in words; with an error everything is as before. */
export interface Reloaded {
  readonly summary: string
  readonly error: string | undefined
}

/** Reads the configuration anew. Never rejects. */
export type Reload = () => Promise<Reloaded>

export interface ReloadState {
  readonly successful: boolean
  /** When a good configuration was last read, in milliseconds since the epoch. */
  readonly successAt: number
}

export interface Reloader {
  readonly reload: Reload
  readonly state: () => ReloadState
}

/**
 * Reloads are one after the other. All or nothing: `load` (parse, validate, build) throws where anything is wrong, and
 * only then comes `apply`, which cannot fail.
 */
export function createReloader(load: () => Promise<Config>, apply: (config: Config) => Changes, log: Logger): Reloader {
  let state: ReloadState = { successful: true, successAt: Date.now() }
  let last: Promise<unknown> = Promise.resolve()

  const once = async (): Promise<Reloaded> => {
    try {
      const config = await load()
      const changes = apply(config)
      state = { successful: true, successAt: Date.now() }
      log.info({ checks: config.checks.length, ...changes }, 'the configuration was reloaded')
      return { summary: `reloaded: ${described(changes)}`, error: undefined }
    } catch (error) {
      state = { ...state, successful: false }
      // One problem a line.
      const text = error instanceof ConfigError ? error.message : describeError(error)
      log.error({ error: text }, 'the configuration was not reloaded, and the one before it still holds')
      return { summary: '', error: text }
    }
  }

  return {
    reload() {
      const turn = last.then(once)
      last = turn
      return turn
    },
    state: () => state,
  }
}

const described = ({ kept, started, ended }: Changes): string =>
  `${kept} checks as before, ${started} started, ${ended} ended`
