#!/usr/bin/env bash
# Builds the packages again from what git has of this commit, at another path, with another umask, zone and language, and
# compiles everything anew. Says which file of which package differs, if one does.
#
#   reproducible.sh DEBS     DEBS has what `make deb` made
set -euo pipefail
cd "$(dirname "$0")/../.."
first=$(realpath "$1")
if [ -n "$(git -c safe.directory='*' status --porcelain)" ]; then
  echo 'reproducible: commit first: the second build is of what git has' >&2
  exit 1
fi
work=$(mktemp -d /tmp/catenary-again.XXXXXX)
trap 'rm -rf "$work"' EXIT
git -c safe.directory='*' archive HEAD | tar -x -C "$work"
epoch=$(git -c safe.directory='*' log -1 --format=%ct)
(
  cd "$work"
  umask 077
  export SOURCE_DATE_EPOCH=$epoch TZ=Pacific/Chatham LC_ALL=C.UTF-8 CCACHE_DISABLE=1
  make deb >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
)
status=0
for file in "$first"/*.deb "$first"/*.cdx.json "$first/SHA256SUMS"; do
  name=$(basename "$file")
  if cmp -s "$file" "$work/build/deb/$name"; then echo "reproducible: $name is the same"; continue; fi
  status=1
  echo "reproducible: $name DIFFERS" >&2
  case "$name" in *.deb) ;; *) continue ;; esac
  for n in 1 2; do mkdir "$work/$n"; done
  dpkg-deb -R "$file" "$work/1" && dpkg-deb -R "$work/build/deb/$name" "$work/2"
  diff -rq "$work/1" "$work/2" | head -n 10 >&2 || true
  rm -rf "$work/1" "$work/2"
done
exit $status
