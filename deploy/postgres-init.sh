#!/bin/sh
# Run once by the image of PostgreSQL, as its superuser, when the database is made: nothing works as the superuser later.
#   jobwarden           owns the database; `migrate` alone uses it
#   jobwarden_node      what the workers log in as
#   jobwarden_desk      an operator: `docker compose run --rm desk`
set -eu

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v owner_password="$OWNER_PASSWORD" -v node_password="$NODE_PASSWORD" -v desk_password="$DESK_PASSWORD" <<'SQL'
CREATE ROLE jobwarden_viewer NOLOGIN;
CREATE ROLE jobwarden_submitter NOLOGIN;
CREATE ROLE jobwarden_operator NOLOGIN;
CREATE ROLE jobwarden_worker NOLOGIN;
GRANT jobwarden_viewer TO jobwarden_submitter;
GRANT jobwarden_submitter TO jobwarden_operator;
CREATE ROLE jobwarden LOGIN PASSWORD :'owner_password';
CREATE ROLE jobwarden_node LOGIN PASSWORD :'node_password' IN ROLE jobwarden_worker;
CREATE ROLE jobwarden_desk LOGIN PASSWORD :'desk_password' IN ROLE jobwarden_operator;
CREATE DATABASE jobwarden OWNER jobwarden;
SQL
