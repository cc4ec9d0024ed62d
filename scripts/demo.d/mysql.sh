# The demonstration on MySQL 9.7; scripts/demo.d/mariadb.sh changes what differs.

SERVER="MySQL"
DEFAULT_ROWS=500000
ENGINE_BIN=$JAGAD_TEST_MYSQL97/usr/bin
CLIENT=$ENGINE_BIN/mysql

make_server() {
  "$JAGAD_TEST_MYSQL97/usr/sbin/mysqld" --no-defaults --tmpdir="$WORK" --initialize-insecure --user="$(id -un)" \
    --basedir="$JAGAD_TEST_MYSQL97/usr" --datadir="$WORK/server" >"$WORK/server.log" 2>&1
}

serve() {
  exec "$JAGAD_TEST_MYSQL97/usr/sbin/mysqld" --no-defaults --user="$(id -un)" --datadir="$WORK/server" \
    --basedir="$JAGAD_TEST_MYSQL97/usr" --lc-messages-dir="$JAGAD_TEST_MYSQL97/usr/share/mysql" \
    --plugin-dir="$JAGAD_TEST_MYSQL97/usr/lib/mysql/plugin" --secure-file-priv= --mysqlx=OFF \
    --skip-networking --tmpdir="$WORK" --socket="$WORK/socket" --pid-file="$WORK/server.pid" --log-error="$WORK/server.log" \
    --innodb-flush-log-at-trx-commit=0 --sync-binlog=0
}

start_server() {
  make_server
  serve & SERVER_PID=$!
  for _ in $(seq 300); do
    query -e 'DO 0' >/dev/null 2>&1 && return
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.1
  done
  tail -5 "$WORK/server.log" >&2
  return 1
}

stop_server() {
  kill -KILL "$SERVER_PID" 2>/dev/null || true
  wait "$SERVER_PID" 2>/dev/null || true
}

query() { "$CLIENT" --no-defaults --socket="$WORK/socket" --user=root --batch --skip-column-names "$@"; }

fill_server() {
  query -e 'CREATE DATABASE shop CHARACTER SET utf8mb4'
  { echo "SET @rows = $ROWS;"; cat "$REPO/scripts/demo.d/mysql.sql"; } | query shop
}

entry() {
  cat <<TOML
[databases.shop]
engine = "$ENGINE"
socket = "$WORK/socket"
user = "root"
dbnames = ["shop"]

[databases.shop.tools]
bin_dir = "$ENGINE_BIN"
TOML
}

count() { query shop -e "SELECT CONCAT(COUNT(*), ' orders, ', SUM(total), ' in total') FROM orders"; }

accident() { run "$CLIENT" --no-defaults --socket="$WORK/socket" --user=root shop -e 'DROP TABLE order_items, orders'; }

look_into() { head -8 "$1"; }
