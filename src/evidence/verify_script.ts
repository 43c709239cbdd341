// verify.sh, as it lies in every bundle. It needs a POSIX shell, openssl and sha256sum, and nothing of ours.
export const VERIFY_SH = String.raw`#!/bin/sh
# Checks this bundle: that every file is the one that was signed, and that the seals of the segments are.
#
#   sh verify.sh FINGERPRINT    the signer's fingerprint, got through another channel than this bundle
#   sh verify.sh                consistent with itself, but anybody may have signed it: exit code 3
#
# Exit codes: 0 proved, 1 something was altered (it is named), 2 cannot check here, 3 consistent, signer unproven.
# This script is one of the files of the bundle. Who does not trust it can read it: the checks are the five lines
# that begin with openssl, sha256sum or find.
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")" || exit 2
for tool in openssl sha256sum find sort sed grep; do
  command -v "$tool" >/dev/null 2>&1 || { echo "verify.sh needs $tool" >&2; exit 2; }
done

bad=0
fail() {
  echo "FAILED $1"
  bad=1
}

# 1. The list of files is signed.
openssl pkeyutl -verify -rawin -pubin -inkey sensor.pub -in bundle.manifest -sigfile bundle.sig >/dev/null 2>&1 ||
  fail "bundle.manifest, bundle.sig or sensor.pub: the signature is not over this list by this key"

# 2. Every file on the list is as it was.
grep -E '^[0-9a-f]{64}  ' bundle.manifest | sha256sum -c --quiet --strict 2>&1 | sed -n 's/: FAILED.*//p' |
  { r=0; while read -r name; do echo "FAILED $name: altered or missing"; r=1; done; exit "$r"; } || bad=1

# 3. No file is there that is not on the list.
list=$(sed -n 's/^[0-9a-f]\{64\}  //p' bundle.manifest | sort)
there=$(find . -type f | sed 's|^\./||' | grep -v -x -e bundle.manifest -e bundle.sig | sort)
[ "$list" = "$there" ] || fail "bundle.manifest: its list is not the files that are here"

# 4. The seal of each segment that packets came from, and the chain of seals where two follow each other.
before=''
folder=''
for manifest in manifests/*.manifest; do
  [ -e "$manifest" ] || continue
  openssl pkeyutl -verify -rawin -pubin -inkey sensor.pub -in "$manifest" -sigfile "$(echo "$manifest" | sed 's/manifest$/sig/')" >/dev/null 2>&1 ||
    fail "$manifest: its signature is not over it by this key"
  [ "${'$'}{manifest%%-*}" = "$folder" ] || before=''
  folder=${'$'}{manifest%%-*}
  epoch=$(sed -n 's/^epoch=//p' "$manifest")
  n=$(sed -n 's/^n=//p' "$manifest")
  if [ -n "$before" ] && [ "$epoch $n" = "$next" ]; then
    grep -q -x "prev=$(sha256sum <"$before" | sed 's/ .*//')" "$manifest" || fail "$manifest: does not follow $before"
  fi
  before=$manifest
  next="$epoch $((n + 1))"
done

# 5. Who signed.
[ "$bad" = 0 ] || exit 1
fingerprint=$(sha256sum <sensor.pub | sed 's/ .*//')
if [ $# -eq 0 ]; then
  echo "consistent, signer unproven: $fingerprint"
  exit 3
fi
if [ "$1" != "$fingerprint" ]; then
  echo "FAILED sensor.pub: its fingerprint is $fingerprint"
  exit 1
fi
echo "proved: signed by $fingerprint"
exit 0
`;
