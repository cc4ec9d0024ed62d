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
STAMP="$DIR/.complete: $SUITE $PACKAGE"
. "$(cd "$(dirname "$0")" && pwd)/apt.sh"
new_folder "$DIR" .debian-files "$STAMP"
private_apt "$SUITE"
(cd "$APT" && apt-get "${OPTIONS[@]}" download "$PACKAGE")
dpkg --fsys-tarfile "$APT"/*.deb | tar -x -C "$DIR" --wildcards "$@"
touch "$STAMP"
