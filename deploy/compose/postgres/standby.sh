# A copy of the primary at the first start, and from then on its follower. Whose copy is in PGHOST, PGUSER, PGPASSWORD.
set -eu
[ -s "$PGDATA/PG_VERSION" ] || pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast
exec docker-entrypoint.sh postgres
