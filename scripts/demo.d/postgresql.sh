# The demonstration on PostgreSQL 15. Sourced by scripts/demo, as its neighbours are; each says the same six things.

SERVER="PostgreSQL"
DEFAULT_ROWS=1000000
BIN=$JAGAD_TEST_PG15

start_server() {
  mkdir -m 700 "$WORK/server" "$WORK/socket"
  [ "$(id -u)" != 0 ] || chown postgres "$WORK/server" "$WORK/socket"
  PORT=$(free_port)
  as_server_user "$BIN/initdb" -D "$WORK/server" -N -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null
  as_server_user "$BIN/pg_ctl" -D "$WORK/server" -l "$WORK/server/log" -w -o "-c listen_addresses='' \
    -c unix_socket_directories=$WORK/socket -c port=$PORT -c fsync=off -c max_wal_size=4GB" start >/dev/null
  export PGHOST=$WORK/socket PGPORT=$PORT PGUSER=postgres
}

stop_server() {
  as_server_user "$BIN/pg_ctl" -D "$WORK/server" -m immediate stop >/dev/null 2>&1 || true
}

query() { "$BIN/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

fill_server() {
  query -c 'CREATE ROLE shop_owner' -c 'CREATE DATABASE shop OWNER shop_owner'
  query -d shop -v rows="$ROWS" -f "$REPO/scripts/demo.d/postgresql.sql"
}

entry() {
  cat <<TOML
[databases.shop]
engine = "postgresql"
socket = "$WORK/socket"
port = $PORT
user = "postgres"
dbnames = ["shop"]
TOML
}

count() { query -d shop -c "SELECT count(*) || ' orders, ' || sum(total) || ' in total' FROM orders"; }

accident() { run "$BIN/psql" -X -d shop -c 'DROP TABLE orders CASCADE'; }

look_into() { "$BIN/pg_restore" --list "$1" | head -8; }
