#!/bin/bash
# Unpacks one folder of a package's source code, as its authors published it, into a directory.
#
#   debian-source.sh SUITE DIR PACKAGE FOLDER
#   debian-source.sh sid /var/cache/jagad/pgsuite18 postgresql-18 src/test/regress     -> DIR/src/test/regress
#
# DIR must be an absolute path; it is made for this alone. A second call with the same arguments does nothing.
set -euo pipefail
[ $# -eq 4 ] || { sed -n '2,7s/^# \?//p' "$0" >&2; exit 2; }
SUITE=$1 DIR=$2 PACKAGE=$3 FOLDER=$4
STAMP="$DIR/.complete: $SUITE $PACKAGE ${FOLDER//\//-}"
. "$(cd "$(dirname "$0")" && pwd)/apt.sh"
new_folder "$DIR" .debian-source "$STAMP"
private_apt "$SUITE"
(cd "$APT/cache" && apt-get "${OPTIONS[@]}" source --download-only "$PACKAGE")
tar -x -C "$DIR" -f "$(echo "$APT"/cache/*.orig.tar.*)" --no-same-owner --strip-components=1 --wildcards "*/$FOLDER/*"
touch "$STAMP"
