/**
 * Settings that a library on top of libpq (or one that reads URLs as libpq does) takes out of the URL for itself, by
 * library. libpq refuses each of them, so that only the application can show whether it gets in.
 */
const ofLibraries: Readonly<Record<string, readonly string[]>> = {
  // https://api.rubyonrails.org/classes/ActiveRecord/ConnectionAdapters/PostgreSQLAdapter.html
  Rails: [
    'pool',
    'prepared_statements',
    'statement_limit',
    'reaping_frequency',
    'checkout_timeout',
    'encoding',
    'schema_search_path',
    'min_messages',
    'insert_returning',
    'advisory_locks',
  ],
  // https://pkg.go.dev/github.com/jackc/pgx/v5/pgxpool#ParseConfig, https://pkg.go.dev/github.com/jackc/pgx/v5#ParseConfig
  'pgx, of Go': [
    'pool_max_conns',
    'pool_min_conns',
    'pool_max_conn_lifetime',
    'pool_max_conn_lifetime_jitter',
    'pool_max_conn_idle_time',
    'pool_health_check_period',
    'default_query_exec_mode',
    'statement_cache_capacity',
    'description_cache_capacity',
  ],
  // https://pkg.go.dev/github.com/lib/pq
  'lib/pq, of Go': ['binary_parameters', 'disable_prepared_binary_result'],
  // https://django-environ.readthedocs.io, https://github.com/jazzband/dj-database-url
  Django: ['conn_max_age', 'conn_health_checks', 'disable_server_side_cursors', 'atomic_requests'],
}

/** The library that has this parameter as a setting; undefined if none has. */
export const libraryOf = (name: string): string | undefined =>
  Object.entries(ofLibraries).find(([, names]) => names.includes(name))?.[0]
