import type { Config } from './load.ts'
import { ConfigError, describeError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { ReloadState } from '../exposition/samples.ts'
import type { Changes } from '../monitor/swap.ts'

/** The result of a reload in words; with an error everything stays as before. */
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
  /** The configuration at the start. */
  readonly config: Config
  /** Reads, parses and builds; throws if anything is wrong. Returns the same object as before if nothing changed. */
  readonly load: () => Promise<Config>
  /** Cannot fail. */
  readonly apply: (config: Config) => Changes
  /** Called after each reload that is no refusal, also of an unchanged file: a reload says that somebody has seen the status. */
  readonly seen: () => void
  readonly log: Logger
  /** After this nothing is reloaded or logged. */
  readonly stop: AbortSignal
}

/**
 * A reload is all or nothing: `apply` is called only after a `load` without problems. One reload is under way and one
 * waits at most: a new caller gets the result of one that begins after the call.
 */
export function createReloader({ config: first, load, apply, seen, log, stop }: Reloading): Reloader {
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
      seen()
      // After a refused one it is news that all is well again.
      if (isSame) log[state.successful ? 'debug' : 'info']({ checks: changes.kept }, 'the configuration is as before')
      else log.info({ checks: config.checks.length, ...changes }, 'the configuration was reloaded')
      state = { successful: true, successAt: Date.now() }
      return { summary: `reloaded: ${described(changes)}`, error: undefined }
    } catch (error) {
      if (stop.aborted) return { summary: '', error: 'the exporter ends' }
      state = { ...state, successful: false }
      // One problem per line.
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
