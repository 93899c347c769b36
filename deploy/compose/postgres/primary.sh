# Read by the image once, when the database is made.
set -e
psql --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres <<'SQL'
-- The exporter: no right on any data.
create role mailpath login password 'mailpath' in role pg_monitor;
create role app login password 'app';
create database app owner app;
create role replicator login replication password 'replicator';
SQL
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
