/**
 * How to get a Patroni that does not answer to run again, while its Postgres goes on. An orderly stop or restart of one that
 * still runs stops its Postgres. `where`: names of nodes. `how`: "at once", or nothing.
 */
export const startAgain = (where: string, how = ''): string =>
  `See whether Patroni runs on ${where} (systemctl status patroni). If it is down: systemctl start patroni${how && `, ${how}`}. If it hangs: kill -9 its main process alone, then start it${how && ` ${how}`}. If it runs well: fix the way to its REST API. Do not stop or restart one that runs: that stops its Postgres.`
