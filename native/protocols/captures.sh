# Sourced by a unit's captures/make.sh: runs it in a namespace of its own, in a folder that is gone when it ends, with
# what it started. $out is where captures go, $server what is running, $units the folder of this file.
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
units=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill $server 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
