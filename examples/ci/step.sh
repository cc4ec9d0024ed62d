#!/bin/sh
# A pinned, verified backup before a migration; the database comes back when the migration fails.
set -eu
config=${JAGAD_CONFIG:-examples/ci/jagad.toml}
commit=${CI_COMMIT:-unknown}

backup=$(jagad backup shop --config "$config" --note "before $commit" --pin --verify read \
    --notify-on backup_failed --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["backups"][0]["id"])')
echo "backup $backup"

if ! ./migrate; then
    echo "the migration failed: going back to $backup" >&2
    jagad restore "$backup" --config "$config" --yes
    exit 1
fi
