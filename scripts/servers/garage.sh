#!/bin/bash
# Starts a Garage S3 server of one node on loopback, with one key and one bucket. Takes about a second.
#
#   GARAGE=/path/of/garage garage.sh DIR PORT RPCPORT ADMINPORT [BUCKET]
#
# DIR is used for everything and must be new; its process id is in DIR/pid. All three ports must be free.
# Then: http://127.0.0.1:PORT, region "garage", path style, access key GK000000000000000000000001,
# secret key 64 digits: zeros and a final 2; bucket BUCKET (jagad).
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,8s/^# \?//p' "$0" >&2; exit 2; }
DIR=$1 PORT=$2 RPC=$3 ADMIN=$4 BUCKET=${5:-jagad}
GARAGE=${GARAGE:?path of the garage program}
[ ! -e "$DIR/pid" ] || { echo "garage.sh: $DIR is in use" >&2; exit 1; }
mkdir -p "$DIR"/{meta,data}
cat >"$DIR/garage.toml" <<CONF
metadata_dir = "$DIR/meta"
data_dir = "$DIR/data"
db_engine = "sqlite"
metadata_fsync = false
data_fsync = false
replication_factor = 1
compression_level = "none"
block_size = "1M"
rpc_bind_addr = "127.0.0.1:$RPC"
rpc_public_addr = "127.0.0.1:$RPC"
rpc_secret = "$(printf '%064d' 1)"
[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:$PORT"
root_domain = ".s3.garage.localhost"
[admin]
api_bind_addr = "127.0.0.1:$ADMIN"
admin_token = "admintoken"
CONF
garage() { "$GARAGE" -c "$DIR/garage.toml" "$@"; }

RUST_LOG=${RUST_LOG:-garage=warn} "$GARAGE" -c "$DIR/garage.toml" server >"$DIR/log" 2>&1 &
echo $! >"$DIR/pid"
up=
for _ in $(seq 100); do
  if garage status >/dev/null 2>&1; then up=1; break; fi
  sleep 0.1
done
if [ -z "$up" ]; then
  echo "garage.sh: it does not answer (see $DIR/log)" >&2
  kill "$(cat "$DIR/pid")" 2>/dev/null
  exit 1
fi
{
  garage layout assign -z dc1 -c 100G "$(garage node id -q | cut -d@ -f1)"
  garage layout apply --version 1
  garage key import --yes -n test GK000000000000000000000001 "$(printf '%064d' 2)"
  garage key allow --create-bucket test
  garage bucket create "$BUCKET"
  garage bucket allow --read --write --owner "$BUCKET" --key test
} >"$DIR/setup.log"
echo "garage is up: http://127.0.0.1:$PORT"
