#!/bin/bash
# Stops what rgw.sh started, by the process ids that it left, and waits for the end.
#
#   rgw-stop.sh DIR
set -uo pipefail
[ $# -eq 1 ] || { sed -n '2,4s/^# \?//p' "$0" >&2; exit 2; }
PIDS=$(cat "$1"/*.pid 2>/dev/null) || true
[ -n "$PIDS" ] || exit 0
# shellcheck disable=SC2086 # several ids
kill $PIDS 2>/dev/null
for _ in $(seq 80); do
  alive=
  for pid in $PIDS; do kill -0 "$pid" 2>/dev/null && alive=1; done
  [ -z "$alive" ] && exit 0
  sleep 0.25
done
# shellcheck disable=SC2086
kill -9 $PIDS 2>/dev/null
