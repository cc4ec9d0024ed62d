#!/bin/bash
# Unpacks packages of another Debian suite into a directory so that their programs run in place on this system:
# nothing is installed, no chroot, no mounts.
#
#   debian-tree.sh SUITE DIR PACKAGE...
#   debian-tree.sh sid /var/cache/jagad/pg18 postgresql-18     -> DIR/usr/lib/postgresql/18/bin
#
# DIR must be an absolute path that the servers' users can read; it is made for this alone. A second call with the
# same arguments does nothing. Needs: Debian's apt and archive keys, dpkg, patchelf, file system space of 100-400 MB.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,9s/^# \?//p' "$0" >&2; exit 2; }
SUITE=$1 DIR=$2
shift 2
STAMP="$DIR/.complete: $SUITE $*"
. "$(cd "$(dirname "$0")" && pwd)/apt.sh"
new_folder "$DIR" .debian-tree "$STAMP"
private_apt "$SUITE"

# The dependency closure, less what these programs never load or call (perl, systemd's tools, locales).
mapfile -t PACKAGES < <(apt-get "${OPTIONS[@]}" -s install "$@" | awk '/^Inst/ {print $2}' |
  grep -E "^($(echo "$*" | tr ' ' '|')|(postgresql|mysql|mariadb|redis|valkey)[a-z0-9.-]*|lib.*|zlib1g)$" |
  grep -Ev '^(libperl.*|.*-perl|libpam-(modules.*|runtime)|libc-(bin|l10n|gconv.*)|libdevmapper.*|libmount.*|libfdisk.*|libsystemd-shared|libapparmor.*|libkmod.*|libcryptsetup.*|libip4tc.*)$')
(cd "$APT/cache/archives" && apt-get "${OPTIONS[@]}" download "${PACKAGES[@]}")
for package in "$APT"/cache/archives/*.deb; do
  dpkg --fsys-tarfile "$package" |
    tar -x -C "$DIR" --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale
done

# Programs of a newer libc need its loader and its libraries, not this system's.
LIBRARIES="$DIR/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")"
LOADER=$(find "$LIBRARIES" -maxdepth 1 -name 'ld-linux-*.so.*' | head -1)
for program in "$DIR"/usr/bin/* "$DIR"/usr/sbin/* "$DIR"/usr/lib/postgresql/*/bin/*; do
  [ -f "$program" ] && [ ! -L "$program" ] || continue
  [ "$(head -c4 "$program" | tail -c3)" = ELF ] || continue
  patchelf --set-interpreter "$LOADER" --force-rpath --set-rpath "$LIBRARIES" "$program"
done
touch "$STAMP"
