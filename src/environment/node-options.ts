// Options of Node. Who starts the exporter may give it more memory, but may not change what it sees or who sees it.

interface Family {
  readonly names: RegExp
  readonly why: string
}

/** By name, without leading dashes. All other options are not known to be harmless. */
const families: readonly Family[] = [
  { names: /^(inspect|debug)/, why: 'others could read the memory of the process, with all secrets' },
  {
    names: /^(r|require|import|loader|experimental-loader|snapshot-blob|experimental-vm-modules)$/,
    why: 'other code would run in the exporter',
  },
  { names: /^(tls-keylog|trace-tls)$/, why: 'the secrets of TLS sessions would be written down' },
  {
    names: /^(tls-|use-(openssl|system|bundled)-ca|openssl-|(enable|force)-fips)/,
    why: 'TLS would accept other servers than the application does',
  },
  {
    names: /^(report-|heapsnapshot-|heap-prof|abort-on-uncaught-exception|experimental-report)/,
    why: 'the memory or the environment would be written to a file, with all secrets',
  },
  {
    names:
      /^(dns-|network-family-|enable-network-family-|use-env-proxy|insecure-http-parser|http-parser|max-http-header-size)/,
    why: 'servers would be looked up, reached or understood in another way than the application does',
  },
]

/** Memory, processors and warnings. No verdict and no secret depends on these. */
export const allowedOptions: readonly string[] = [
  'max-old-space-size',
  'max-old-space-size-percentage',
  'max-semi-space-size',
  'min-semi-space-size',
  'semi-space-growth-factor',
  'max-heap-size',
  'initial-heap-size',
  'heap-growing-percent',
  'optimize-for-size',
  'stack-size',
  'single-threaded',
  'v8-pool-size',
  'jitless',
  'expose-gc',
  'trace-gc',
  'secure-heap',
  'secure-heap-min',
  'disallow-code-generation-from-strings',
  'disable-sigusr1',
  'disable-wasm-trap-handler',
  'enable-source-maps',
  'stack-trace-limit',
  'unhandled-rejections',
  'warnings',
  'no-warnings',
  'disable-warning',
  'deprecation',
  'no-deprecation',
  'pending-deprecation',
  'trace-warnings',
  'trace-deprecation',
  'trace-uncaught',
  'trace-exit',
  'title',
  'no-global-search-paths',
  'preserve-symlinks',
  'preserve-symlinks-main',
  'env-file',
  'env-file-if-exists',
]

/** An option that is not allowed, and why. */
export interface BadOption {
  /** The option without its value. */
  readonly option: string
  readonly why: string
}

/**
 * The first option that is not allowed; undefined if all are. A word that is no option is the value of the one before.
 */
export function badOption(words: readonly string[]): BadOption | undefined {
  for (const word of words) {
    if (!word.startsWith('-')) continue
    const option = word.replace(/=.*$/s, '')
    // Node takes underscores as well.
    const name = option.replace(/^-+/, '').replaceAll('_', '-')
    if (allowedOptions.includes(name)) continue
    const family = families.find(({ names }) => names.test(name))
    return { option, why: family?.why ?? 'it is not known to leave verdicts and secrets alone' }
  }
  return undefined
}

/** Splits NODE_OPTIONS as Node does: at spaces outside of double quotes, in which a backslash escapes. */
export function splitOptions(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    let letter = text.charAt(at)
    if (letter === '"') {
      quoted = !quoted
      continue
    }
    if (letter === ' ' && !quoted) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    if (letter === '\\' && quoted) letter = text.charAt((at += 1))
    word = (word ?? '') + letter
  }
  return word === undefined ? words : [...words, word]
}
