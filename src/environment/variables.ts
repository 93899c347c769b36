// Every variable that Node, or a library in this process, would obey, and what the exporter does with it.

/**
 * `used`: by the exporter, or by Node for it. `refused`: the exporter does not start with it. The others have no
 * effect.
 */
export type Effect =
  | 'used'
  | 'refused'
  /** Removed before a library is loaded. */
  | 'removed'
  /** Node obeys it before our code runs. Neither a verdict nor a secret depends on it. */
  | 'harmless'

interface Variable {
  /** A `*` at the end stands for any letters. */
  readonly names: readonly string[]
  readonly effect: Effect
  /** Who would obey it. */
  readonly reader: string
  /** What it does here, or would do. */
  readonly meaning: string
  /** For `refused`: the values that have no effect. */
  readonly harmlessValues?: readonly string[]
  /** For `refused`: what to do instead. */
  readonly instead?: string
}

const used: readonly Variable[] = [
  {
    names: ['NO_COLOR', 'TERM'],
    reader: 'check',
    meaning: 'check prints no colours where NO_COLOR is set or TERM is dumb.',
  },
  {
    names: ['COLUMNS'],
    reader: 'check',
    meaning: 'Width of what check prints, in columns; also where the output is no terminal. At least 80.',
  },
  {
    names: ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'],
    reader: 'references to Kubernetes',
    meaning: 'The API server, inside of a cluster.',
  },
  {
    names: ['CREDENTIALS_DIRECTORY'],
    reader: 'references to credentials',
    meaning: 'Where the files of credential references are (systemd).',
  },
  {
    names: [
      ...['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ENDPOINT_URL_STS'],
      ...['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'],
      ...['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_CONTAINER_AUTHORIZATION_TOKEN'],
      'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    ],
    reader: 'ses, with credentials',
    meaning: 'Where the role of the exporter gets its keys, as the SDKs of AWS read them.',
  },
  { names: ['LISTEN_FDS', 'LISTEN_PID'], reader: 'serve', meaning: 'The sockets that systemd passes.' },
  {
    names: ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'],
    reader: 'serve',
    meaning: 'Set by systemd for a unit of Type=notify, with a watchdog.',
  },
  { names: ['PATH'], reader: 'serve', meaning: 'Where systemd-notify is found.' },
  {
    names: ['TMPDIR'],
    reader: 'serve, check',
    meaning: 'The temporary folder. A file there remembers which logins a Vault refused.',
  },
  {
    names: ['NODE_EXTRA_CA_CERTS'],
    reader: 'Node',
    meaning: "A file of certificates to trust in addition to Node's own (read by Node).",
  },
  {
    names: ['NODE_OPTIONS'],
    reader: 'Node',
    meaning: 'Options of Node. Those of memory and of warnings are allowed, all others are refused.',
  },
  { names: ['MALLOC_ARENA_MAX'], reader: 'glibc', meaning: '1 keeps the memory small (read by glibc).' },
].map(one => ({ ...one, effect: 'used' }) as const)

const refused: readonly Variable[] = [
  {
    names: ['NODE_DEBUG', 'NODE_DEBUG_NATIVE'],
    reader: 'Node',
    meaning: 'Node prints what it sends and receives, with passwords and tokens.',
    instead: 'Use the transcripts of /failures, or check --format=json.',
  },
  {
    names: ['OPENSSL_CONF', 'OPENSSL_CONF_INCLUDE'],
    reader: 'OpenSSL in Node',
    meaning: 'OpenSSL reads settings from another file. They can load code, and change which servers TLS accepts.',
    instead: 'Use servername, ca_file and their kind in the configuration.',
  },
  {
    names: ['NODE_USE_SYSTEM_CA'],
    reader: 'Node, from 22.19 and 24.6 on',
    meaning: 'Node trusts other authorities than the application, so a certificate can look right that is not.',
    harmlessValues: ['0'],
    instead: 'Use NODE_EXTRA_CA_CERTS, or ca_file in the configuration.',
  },
  {
    names: ['NODE_UNIQUE_ID'],
    reader: 'Node',
    meaning:
      'Node takes the exporter for a child of its cluster, waits for a parent that is not there, and serves nothing.',
    instead: 'A child that has its parent may have it.',
  },
].map(one => ({ ...one, effect: 'refused' }) as const)

const removed: readonly Variable[] = [
  {
    names: ['PG*'],
    reader: 'pg, pgpass, libpq',
    meaning:
      'Where Postgres is, who logs in and how, and the settings of the session. Those of the application are given by environment of a target.',
  },
  {
    names: ['NODE_PG_FORCE_NATIVE'],
    reader: 'pg',
    meaning: 'pg would load libpq in place of its own protocol, or not load at all.',
  },
  {
    names: ['USER', 'USERNAME', 'LOGNAME'],
    reader: 'pg',
    meaning: 'The user where a URL names none. It is written in the configuration.',
  },
  {
    names: ['HOME', 'USERPROFILE', 'APPDATA', 'NODE_PATH'],
    reader: 'Node, pgpass, libpq',
    meaning:
      'Where ~/.pgpass, ~/.postgresql, ~/.netrc and ~/.node_modules are, and more folders of code. Nothing is read from there.',
  },
  {
    names: ['VAULT_*'],
    reader: 'node-vault',
    meaning: 'Where a Vault is, its token and namespace, and whether its certificate is verified.',
  },
  { names: ['AWS_*', 'AMAZON_*'], reader: 'SDKs of AWS', meaning: 'Keys, regions and endpoints of SES.' },
  {
    names: ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
    reader: 'axios, proxy-from-env, Node from 24 on',
    meaning: 'Proxies. Each connection goes to the address that is configured.',
  },
  {
    names: ['npm_*'],
    reader: 'proxy-from-env, npm',
    meaning: 'Set by npm for what it starts; proxies may be among them.',
  },
  {
    names: ['NODE_TLS_REJECT_UNAUTHORIZED'],
    reader: 'Node',
    meaning: '0 would accept every certificate.',
  },
  {
    names: ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'OPENSSL_MODULES', 'OPENSSL_ENGINES', 'SSLKEYLOGFILE', 'QLOGDIR'],
    reader: 'OpenSSL in Node',
    meaning: 'Other authorities to trust, code to load, and files for the keys of sessions.',
  },
  {
    names: ['RES_OPTIONS', 'LOCALDOMAIN', 'HOSTALIASES', 'CARES_HOSTS', 'RESOLV_*', 'NIS_*'],
    reader: 'glibc, c-ares in Node',
    meaning:
      'How names are looked up. That is by /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf, or by dnsConfig of the pod.',
  },
  {
    names: ['UV_THREADPOOL_SIZE'],
    reader: 'libuv in Node',
    meaning: 'How many names are looked up, files read and passwords verified at a time.',
  },
  {
    names: ['NODE_ENV'],
    reader: 'express, finalhandler',
    meaning: 'It is always production: no page shows where code failed.',
  },
  {
    names: ['DEBUG', 'DEBUG_*', 'NODE_REPL_*', 'NODE_NO_READLINE', 'LOG_TOKENS', 'LOG_STREAM', 'LOG_LEVEL'],
    reader: 'debug, yaml, Node',
    meaning: 'Libraries print what they work on, with passwords and tokens.',
  },
  {
    names: ['NO_DEPRECATION', 'TRACE_DEPRECATION', 'TS_NODE_DEV', 'CI', 'CITGM', 'JEST_WORKER_ID', 'VITEST*', 'TSX_*'],
    reader: 'depd, pino, thread-stream, tests',
    meaning: 'Warnings for developers, and tests.',
  },
  {
    names: ['FORCE_COLOR', 'COLORTERM', 'CLICOLOR*', 'NODE_DISABLE_COLORS', 'LINES'],
    reader: 'Node',
    meaning: 'Colours. check looks at NO_COLOR and TERM.',
  },
  { names: ['ETHEREAL_*'], reader: 'nodemailer', meaning: 'A test account for mail. None is made.' },
  { names: ['NAPI_RS_*'], reader: '@node-rs/bcrypt', meaning: 'Another build of the library to load.' },
  { names: ['OTEL_*'], reader: 'OpenTelemetry', meaning: 'Where traces go. None are made.' },
  {
    names: ['TZ', 'LANG', 'LANGUAGE', 'LC_*', 'ICU_TIMEZONE_FILES_DIR', 'TZDIR'],
    reader: 'glibc, ICU in Node',
    meaning: 'Time zone and language. All times are UTC, all texts English.',
  },
  { names: ['TMP', 'TEMP'], reader: 'Node', meaning: 'The temporary folder where TMPDIR is not set. It is /tmp then.' },
  {
    names: ['UNDICI_*', 'NODE_CLUSTER_SCHED_POLICY', 'NODE_TEST_*', 'NODE_BENCH_*', 'NODE_COMPILE_CACHE_READONLY'],
    reader: 'Node',
    meaning: 'Parts of Node that are not used here.',
  },
].map(one => ({ ...one, effect: 'removed' }) as const)

const harmless: readonly Variable[] = [
  {
    names: ['NODE_USE_ENV_PROXY'],
    reader: 'Node, from 24 on',
    meaning: 'Proxies for requests that share connections. Those of the exporter never do.',
  },
  {
    names: ['NODE_NO_WARNINGS', 'NODE_PENDING_DEPRECATION', 'NODE_REDIRECT_WARNINGS'],
    reader: 'Node',
    meaning: 'Which warnings Node prints, and where.',
  },
  {
    names: ['NODE_COMPILE_CACHE', 'NODE_COMPILE_CACHE_PORTABLE', 'NODE_DISABLE_COMPILE_CACHE'],
    reader: 'Node, from 22 on',
    meaning: 'A folder for compiled code. Let no one else write there.',
  },
  {
    names: ['NODE_V8_COVERAGE'],
    reader: 'Node',
    meaning: 'A folder for lists of the functions that ran.',
  },
  {
    names: ['NODE_PRESERVE_SYMLINKS', 'NODE_PRESERVE_SYMLINKS_MAIN', 'NODE_SKIP_PLATFORM_CHECK', 'NODE_ICU_DATA'],
    reader: 'Node',
    meaning: 'Where Node finds its files and the exporter. If that goes wrong, there is no start.',
  },
  {
    names: ['NODE_CHANNEL_*', 'NODE_INSPECT_RESUME_ON_START', 'WATCH_REPORT_DEPENDENCIES'],
    reader: 'Node',
    meaning: 'Set by Node for a child that is Node too.',
  },
  { names: ['UV_USE_IO_URING'], reader: 'libuv in Node', meaning: 'How files are read.' },
  {
    names: ['LD_*', 'GLIBC_TUNABLES', 'GCONV_PATH', 'LOCPATH', 'MALLOC_*'],
    reader: 'glibc',
    meaning:
      'Libraries of the machine, and their memory. With LD_PRELOAD other code runs in the process; the exporter cannot see that.',
  },
].map(one => ({ ...one, effect: 'harmless' }) as const)

export const variables: readonly Variable[] = [...used, ...refused, ...removed, ...harmless]

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern

/** The row of a variable; undefined if only a reference reads it. */
export const variableOf = (name: string): Variable | undefined =>
  variables.find(({ names }) => names.some(pattern => matches(pattern, name)))
