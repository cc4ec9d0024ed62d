# Sourced by scripts: an apt of its own for another Debian suite, which changes nothing of this system, and folders to unpack into.
#
#   new_folder DIR MARK STAMP   makes the folder anew; ends the script when it was finished before, or is not the script's own
#   private_apt SUITE     sets APT (its folder, removed at the end of the script) and OPTIONS (for apt-get), and reads the lists

private_apt() {
  local mirror signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
  # The mirror that this system uses already.
  mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } |
    awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ "://") {print $i; exit}}')
  [ -n "$mirror" ] || { echo "$(basename "$0"): apt has no mirror" >&2; exit 1; }
  APT=$(mktemp -d)
  trap 'rm -rf "$APT"' EXIT
  mkdir -p "$APT"/lists/partial "$APT"/cache/archives/partial "$APT"/none
  : >"$APT/status"
  printf '%s\n' "deb $signed $mirror $1 main" "deb-src $signed $mirror $1 main" >"$APT/sources.list"
  OPTIONS=(-qq
    -o Dir::State="$APT" -o Dir::State::Lists="$APT/lists" -o Dir::State::status="$APT/status" -o Dir::Cache="$APT/cache"
    -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts="$APT/none"
    -o Dir::Etc::preferencesparts="$APT/none" -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none
    -o APT::Install-Recommends=false -o Debug::NoLocking=true -o APT::Sandbox::User=root)
  apt-get "${OPTIONS[@]}" update
}

new_folder() {
  local me; me=$(basename "$0")
  [ "${1#/}" != "$1" ] || { echo "$me: $1 is not an absolute path" >&2; exit 2; }
  [ ! -e "$3" ] || exit 0
  if [ -e "$1" ] && [ ! -e "$1/$2" ]; then
    echo "$me: $1 exists and was not made by this script" >&2
    exit 1
  fi
  rm -rf "$1"
  umask 022
  mkdir -p "$1"
  touch "$1/$2"
}
