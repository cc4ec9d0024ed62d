# The demonstration on Redis 7.

SERVER="Redis"
DEFAULT_ROWS=1000000
REDIS_BIN=${JAGAD_TEST_REDIS7%/}/usr/bin

start_server() {
  mkdir "$WORK/server"
  "$REDIS_BIN/redis-server" --port 0 --unixsocket "$WORK/socket" --dir "$WORK/server" --save "" \
    --repl-diskless-sync-delay 0 --logfile "$WORK/server.log" & SERVER_PID=$!
  for _ in $(seq 300); do
    query PING >/dev/null 2>&1 && return
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

query() { "$REDIS_BIN/redis-cli" -s "$WORK/socket" "$@"; }

fill_server() {
  query EVAL "
    for n = 1, tonumber(ARGV[1]) do
      redis.call('HSET', 'order:' .. n, 'customer', n % 5000, 'total', (n % 100000) / 100, 'note', redis.sha1hex(n))
      if n % 10 == 0 then redis.call('SET', 'session:' .. n, redis.sha1hex(n), 'EX', 86400) end
      if n % 100 == 0 then redis.call('ZADD', 'best', n % 1000, 'article ' .. n) end
    end
    return redis.call('XADD', 'events', '*', 'kind', 'filled')" 0 "$ROWS" >/dev/null
}

entry() {
  cat <<TOML
[databases.shop]
engine = "redis"
socket = "$WORK/socket"
TOML
}

count() { echo "$(query DBSIZE) keys"; }

accident() { run "$REDIS_BIN/redis-cli" -s "$WORK/socket" FLUSHALL; }

look_into() { "$REDIS_BIN/redis-check-rdb" "$1" | tail -4; }
