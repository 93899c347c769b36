/** What an exporter says of itself to which nothing has happened. */
export const exporterAtRest = {
  version: '0',
  nodeVersion: process.version,
  reload: { successful: true, successAt: 0 },
  logLinesDropped: 0,
  stateFile: undefined,
}
