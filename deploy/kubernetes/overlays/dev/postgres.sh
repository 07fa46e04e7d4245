#!/bin/bash
# Run once, by PostgreSQL's image, in an empty data folder: a role and a database for each service, which alone may connect to it.
set -eu

for service in user notification; do
	password=$(cat "/run/secrets/${service}_database_password")
	psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v name="cinesync_$service" -v password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password' CONNECTION LIMIT 60;
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"name" TO :"name";
SQL
	psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "cinesync_$service" -v name="cinesync_$service" <<'SQL'
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO :"name";
SQL
done
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -c 'REVOKE CONNECT ON DATABASE postgres FROM PUBLIC'
