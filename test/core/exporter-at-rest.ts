/** What an exporter says of itself to which nothing has happened. */
export const exporterAtRest = {
  version: '0',
  nodeVersion: process.version,
  lastReloadSuccessful: true,
  lastReloadSuccessAt: 0,
  logLinesDropped: 0,
}
