#!/bin/bash
# Unpacks some files of one package of another Debian suite into a directory, without what the package depends on.
#
#   debian-files.sh SUITE DIR PACKAGE PATTERN...
#   debian-files.sh sid /var/cache/jagad/mysql-suite mysql-testsuite '*.test'
#
# DIR must be an absolute path; it is made for this alone. A second call with the same arguments does nothing.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,7s/^# \?//p' "$0" >&2; exit 2; }
SUITE=$1 DIR=$2 PACKAGE=$3
shift 3
[ "${DIR#/}" != "$DIR" ] || { echo "debian-files.sh: $DIR is not an absolute path" >&2; exit 2; }
STAMP="$DIR/.complete: $SUITE $PACKAGE"
[ -e "$STAMP" ] && exit 0
if [ -e "$DIR" ] && [ ! -e "$DIR/.debian-files" ]; then
  echo "debian-files.sh: $DIR exists and was not made by this script" >&2
  exit 1
fi
rm -rf "$DIR"
umask 022
mkdir -p "$DIR"
touch "$DIR/.debian-files"

# The mirror that this system uses already.
MIRROR=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } |
  awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ "://") {print $i; exit}}')
[ -n "$MIRROR" ] || { echo "debian-files.sh: apt has no mirror" >&2; exit 1; }
APT=$(mktemp -d)
trap 'rm -rf "$APT"' EXIT
mkdir -p "$APT"/lists/partial "$APT"/cache/archives/partial "$APT"/none
: >"$APT/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR $SUITE main" >"$APT/sources.list"
OPTIONS=(-qq
  -o Dir::State="$APT" -o Dir::State::Lists="$APT/lists" -o Dir::State::status="$APT/status" -o Dir::Cache="$APT/cache"
  -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts="$APT/none"
  -o Dir::Etc::preferencesparts="$APT/none" -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none
  -o Debug::NoLocking=true -o APT::Sandbox::User=root)
apt-get "${OPTIONS[@]}" update
(cd "$APT" && apt-get "${OPTIONS[@]}" download "$PACKAGE")
dpkg --fsys-tarfile "$APT"/*.deb | tar -x -C "$DIR" --wildcards "$@"
touch "$STAMP"
