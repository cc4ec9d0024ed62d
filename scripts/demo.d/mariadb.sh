# The demonstration on MariaDB 10.11.

. "$REPO/scripts/demo.d/mysql.sh"
SERVER="MariaDB"
ENGINE_BIN=${JAGAD_TEST_MARIADB1011%/}/usr/bin
CLIENT=$ENGINE_BIN/mariadb

make_server() {
  "$ENGINE_BIN/mariadb-install-db" --no-defaults --user="$(id -un)" --datadir="$WORK/server" --skip-test-db \
    --auth-root-authentication-method=normal >"$WORK/server.log" 2>&1
}

serve() {
  exec "${JAGAD_TEST_MARIADB1011%/}/usr/sbin/mariadbd" --no-defaults --user="$(id -un)" --datadir="$WORK/server" \
    --skip-networking --tmpdir="$WORK" --socket="$WORK/socket" --pid-file="$WORK/server.pid" --log-error="$WORK/server.log" \
    --innodb-flush-log-at-trx-commit=0 --log-bin --server-id=1
}
