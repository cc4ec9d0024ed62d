# Sourced by scripts: where servers are, and a free port. Values that are set already are left alone.

JAGAD_CACHE=${JAGAD_CACHE:-$([ "$(id -u)" = 0 ] && echo /var/cache/jagad || echo "$HOME/.cache/jagad")}
export JAGAD_CACHE
export JAGAD_TEST_PG15=${JAGAD_TEST_PG15:-/usr/lib/postgresql/15/bin}
export JAGAD_TEST_PG18=${JAGAD_TEST_PG18:-$JAGAD_CACHE/pg18/usr/lib/postgresql/18/bin}
export JAGAD_TEST_PG1800=${JAGAD_TEST_PG1800:-$JAGAD_CACHE/pg18ext/usr/lib/postgresql/18/bin}
export JAGAD_TEST_PGBACKREST15=${JAGAD_TEST_PGBACKREST15:-/usr/bin/pgbackrest}
export JAGAD_TEST_PGBACKREST18=${JAGAD_TEST_PGBACKREST18:-$JAGAD_CACHE/pgbackrest/usr/bin/pgbackrest}
# What only long runs of the tests use is named where it is there.
for suite in 15 18; do
  if [ -d "$JAGAD_CACHE/pgsuite$suite/src/test/regress" ]; then
    declare -x "JAGAD_TEST_PGSUITE$suite=$JAGAD_CACHE/pgsuite$suite/src/test/regress"
  fi
done
if [ -d "$JAGAD_CACHE/pg18gis/usr" ]; then
  export JAGAD_TEST_PG1801=${JAGAD_TEST_PG1801:-$JAGAD_CACHE/pg18gis/usr/lib/postgresql/18/bin}
fi
if [ -x "$JAGAD_CACHE/pgbouncer/usr/sbin/pgbouncer" ]; then
  export JAGAD_TEST_PGBOUNCER=${JAGAD_TEST_PGBOUNCER:-$JAGAD_CACHE/pgbouncer/usr/sbin/pgbouncer}
fi
# Roots of trees with usr/bin and usr/sbin below.
export JAGAD_TEST_MYSQL97=${JAGAD_TEST_MYSQL97:-$JAGAD_CACHE/mysql97}
export JAGAD_TEST_MARIADB1011=${JAGAD_TEST_MARIADB1011:-/}
export JAGAD_TEST_MARIADB118=${JAGAD_TEST_MARIADB118:-$JAGAD_CACHE/mariadb118}
# The servers' own test suites, as their packages hold them.
export JAGAD_TEST_MARIADB_SUITE=${JAGAD_TEST_MARIADB_SUITE:-$JAGAD_CACHE/mariadb-suite}
export JAGAD_TEST_MYSQL_SUITE=${JAGAD_TEST_MYSQL_SUITE:-$JAGAD_CACHE/mysql-suite}
export JAGAD_TEST_REDIS7=${JAGAD_TEST_REDIS7:-/}
export JAGAD_TEST_REDIS8=${JAGAD_TEST_REDIS8:-$JAGAD_CACHE/redis8}
# Folders of RDB files that the servers' authors test with.
export JAGAD_TEST_REDISFILES=${JAGAD_TEST_REDISFILES:-$JAGAD_CACHE/redisfiles/tests/assets}
export JAGAD_TEST_VALKEYFILES=${JAGAD_TEST_VALKEYFILES:-$JAGAD_CACHE/valkeyfiles/tests/assets}
export JAGAD_TEST_PYTHON=${JAGAD_TEST_PYTHON:-$JAGAD_CACHE/python/bin/python3}
# S3 servers that a test starts itself.
if [ -x "$JAGAD_CACHE/python/bin/moto_server" ]; then
  export JAGAD_TEST_MOTO=${JAGAD_TEST_MOTO:-$JAGAD_CACHE/python/bin/moto_server}
fi
if [ -x "$JAGAD_CACHE/s3rver/node_modules/.bin/s3rver" ]; then
  export JAGAD_TEST_S3RVER=${JAGAD_TEST_S3RVER:-$JAGAD_CACHE/s3rver/node_modules/.bin/s3rver}
fi
if [ -z "${JAGAD_TEST_GARAGE:-}" ] && [ -x "$JAGAD_CACHE/garage/bin/garage" ]; then
  export JAGAD_TEST_GARAGE=$JAGAD_CACHE/garage/bin/garage
fi

# A TCP port below the ephemeral range that nobody listens on now.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  echo "no free port below 32768" >&2
  return 1
}

# Runs a PostgreSQL program, which refuses to run as root.
as_server_user() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
