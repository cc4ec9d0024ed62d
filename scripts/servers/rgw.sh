#!/bin/bash
# Starts a Ceph RADOS gateway (a real S3 server) of one node on loopback. Takes about 13 s.
#
#   rgw.sh DIR PORT MONPORT     DIR is emptied and used for everything; both ports must be free
#   rgw-stop.sh DIR             stops what this started
#
# Then: http://127.0.0.1:PORT, region "default", access key "test", secret key "testsecret", path style; no bucket.
# With TLS_PEM and TLS_KEY set (a certificate chain and its key) the gateway also serves https on TLS_PORT.
# Needs root and the packages radosgw ceph-mon ceph-osd ceph-common (Debian 12: Ceph 16.2).
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,9s/^# \?//p' "$0" >&2; exit 2; }
DIR=$1 PORT=$2 MON=127.0.0.1:$3
for program in ceph-mon ceph-osd radosgw radosgw-admin monmaptool curl; do
  command -v "$program" >/dev/null || { echo "rgw.sh: $program is not installed (run scripts/setup)" >&2; exit 1; }
done
rm -rf "$DIR"
mkdir -p "$DIR"/{mon,osd,run,log}
FSID=$(cat /proc/sys/kernel/random/uuid)
OSD=$(cat /proc/sys/kernel/random/uuid)
TLS=${TLS_PEM:+ ssl_endpoint=127.0.0.1:${TLS_PORT:?TLS_PEM needs TLS_PORT} ssl_certificate=$TLS_PEM ssl_private_key=${TLS_KEY:?}}

# "class update" and "crush update on start": with them the OSD dies in one start of four ("wrong fsid").
cat >"$DIR/ceph.conf" <<CONF
[global]
fsid = $FSID
mon host = v1:$MON
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
ms bind ipv4 = true
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pgp num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
run dir = $DIR/run
admin socket = $DIR/run/\$name.asok
log file = $DIR/log/\$name.log
pid file = $DIR/\$name.pid
[mon.a]
mon data = $DIR/mon
[osd.0]
osd data = $DIR/osd
osd objectstore = bluestore
bluestore block create = true
bluestore block size = 21474836480
bluestore block wal create = false
bluestore block db create = false
bluestore fsck quick fix on mount = false
osd memory target = 939524096
osd class update on start = false
osd crush update on start = false
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$PORT$TLS
rgw thread pool size = 64
rgw num rados handles = 1
rgw dns name = localhost
rgw enable usage log = false
rgw gc processor period = 600
CONF
export CEPH_CONF="$DIR/ceph.conf"

# again TRIES COMMAND: the monitor answers a moment after it has started.
again() {
  local tries=$1
  shift
  for _ in $(seq "$tries"); do
    "$@" >>"$DIR/log/start.log" 2>&1 && return 0
    sleep 0.3
  done
  echo "rgw.sh: gave up on: $* (see $DIR/log)" >&2
  "$(dirname "$0")/rgw-stop.sh" "$DIR"
  exit 1
}

monmaptool --create --fsid "$FSID" --addv a "[v1:$MON]" "$DIR/monmap" >"$DIR/log/start.log"
ceph-mon -i a --mkfs --monmap "$DIR/monmap"
ceph-mon -i a
again 20 timeout 10 ceph osd new "$OSD"
ceph-osd -i 0 --mkfs --osd-uuid "$OSD" >>"$DIR/log/start.log" 2>&1
again 20 timeout 10 ceph osd crush add osd.0 1.0 root=default host=h
ceph-osd -i 0 >>"$DIR/log/start.log" 2>&1
radosgw -n client.rgw -c "$DIR/ceph.conf" --pid-file "$DIR/rgw.pid"
again 200 curl --noproxy '*' -fs -o /dev/null "http://127.0.0.1:$PORT/"
again 5 radosgw-admin -n client.rgw user create --uid=test --display-name=test --access-key=test --secret=testsecret
echo "rgw is up: http://127.0.0.1:$PORT"
