// verify.sh, as it lies in every bundle. It needs openssl and the tools of POSIX with sha256sum, and nothing of ours.
export const VERIFY_SH = String.raw`#!/bin/sh
# Checks this bundle: that every file is the one that was signed, that its packets are in sealed segments, that the
# seals follow each other without a hole, and, where a collector countersigned them, that they are those that it saw.
#
#   sh verify.sh FINGERPRINT    of the keys, got through another channel than this bundle:
#                               cat sensor.pub collector.pub | sha256sum
#   sh verify.sh FINGERPRINT TSA.pem    the same, and the time-stamps in it (RFC 3161), by the certificate of the
#                               authority that made them, got from the authority
#   sh verify.sh                consistent with itself, but anybody may have signed it: exit code 3
#
# Exit codes: 0 proved, 1 something was altered (it is named), 2 cannot check here, 3 consistent, not all of it proved.
# This script is one of the files of the bundle. Who does not trust it can read it.
set -u
LC_ALL=C
export LC_ALL
authority=${'$'}{2-}
case $authority in /* | '') ;; *) authority=$PWD/$authority ;; esac
cd "$(dirname "$0")" || exit 2
for tool in openssl sha256sum awk cat dd find grep mkdir rm sed sort split xargs; do
  command -v "$tool" >/dev/null 2>&1 || { echo "verify.sh needs $tool" >&2; exit 2; }
done
work=${'$'}{TMPDIR:-/tmp}/catenary-verify.$$
mkdir -m 700 "$work" "$work/leaf" || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# A file, because parts of this run in subshells.
fail() {
  echo "FAILED $1"
  : >"$work/bad"
}
is_signed() { openssl pkeyutl -verify -rawin -pubin -inkey "$1" -in "$2" -sigfile "$3" >/dev/null 2>&1; }
hash_of() { sha256sum <"$1" | sed 's/ .*//'; }

# 1. The list of files is signed.
is_signed sensor.pub bundle.manifest bundle.sig ||
  fail "bundle.manifest, bundle.sig or sensor.pub: the signature is not over this list by this key"

# 2. Every file on the list is as it was.
grep -E '^[0-9a-f]{64}  ' bundle.manifest | sha256sum -c --quiet --strict 2>&1 | sed -n 's/: FAILED.*//p' |
  while read -r name; do fail "$name: altered or missing"; done

# 3. No file is there that is not on the list.
list=$(sed -n 's/^[0-9a-f]\{64\}  //p' bundle.manifest | sort)
there=$(find . -type f | sed 's|^\./||' | grep -v -x -e bundle.manifest -e bundle.sig | sort)
[ "$list" = "$there" ] || fail "bundle.manifest: its list is not the files that are here"

# What follows is about files as they were signed.
[ ! -e "$work/bad" ] || exit 1

# 4. Each seal is signed by the sensor, each receipt by the collector: for this sensor's key, and this chain.
sensor=$(hash_of sensor.pub)
: >"$work/facts"
for manifest in manifests/*.manifest; do
  [ -e "$manifest" ] || continue
  is_signed sensor.pub "$manifest" "${'$'}{manifest%.manifest}.sig" || fail "$manifest: its signature is not over it by this key"
  echo "seal $manifest $(hash_of "$manifest")" >>"$work/facts"
done
for receipt in receipts/*.receipt; do
  [ -e "$receipt" ] || continue
  is_signed collector.pub "$receipt" "${'$'}{receipt%.receipt}.sig" ||
    fail "$receipt: its signature is not over it by the collector"
  grep -q -x "key=$sensor" "$receipt" || fail "$receipt: is for another sensor's key"
  number=${'$'}{receipt#receipts/}
  number=${'$'}{number%%-*}
  grep -q -x "chain=$(sed -n "s/^chain=$number //p" bundle.manifest)" "$receipt" || fail "$receipt: is of another chain"
done

# 5. The seals follow each other: by the hash of the one before; where some are left out, no step's time lies there; and
#    the clock that sealed them was not turned, by more than five minutes, against itself or the collector's.
[ ! -s "$work/facts" ] ||
  grep -H -E '^(epoch|n|prev|packets|first_ts|last_ts|clock|gap)=' manifests/*.manifest | sed 's/:/ /' >>"$work/facts"
[ ! -d receipts ] || {
  grep -H -E '^(tree|received_us)=' receipts/*.receipt | sed 's/:/ /'
  grep -h '^leaf ' receipts/*.proof
} >>"$work/facts"
{ grep '^time=' bundle.manifest; cat "$work/facts"; } | awk '
  function later(a, b) { return length(a) != length(b) ? length(a) > length(b) : (a "") > (b "") }
  function fault(text) { print "FAILED " text }
  function value(name, key) { return v[name, key] }
  # Packets between two times, both left out, could be in seals that are missing.
  function hole(name, from, to,  i) {
    for (i = 1; i <= times; i++)
      if (later(until[i], from) && (to == "" || later(to, since[i]))) {
        fault(name ": seals before it are missing")
        return
      }
  }
  /^time=/ { since[++times] = substr($2, 6); until[times] = substr($3, 4); next }
  $1 == "seal" { order[++seals] = $2; hash[$2] = $3; next }
  $1 == "leaf" { leaf[$3] = $2; next }
  {
    key = $2; sub(/=.*/, "", key)
    rest = substr($0, length($1) + length(key) + 3)
    if (key == "gap") { if (rest ~ /^clock /) said[$1] = 1; next }
    if (key == "clock") sub(/.*sealed_us=/, "", rest)
    if (key == "tree") { sub(/.* leaves=/, "", rest); sub(/ .*/, "", rest); receipt[++receipts] = $1 }
    # Nanoseconds do not fit the numbers of awk: they stay digits.
    v[$1, key] = key ~ /^(prev|first_ts|last_ts)$/ ? rest : rest + 0
  }
  END {
    zeros = "0000000000000000000000000000000000000000000000000000000000000000"
    slack = 300000000
    for (i = 1; i <= seals; i++) {
      name = order[i]
      chain = substr(name, 11, 2)
      epoch = value(name, "epoch"); n = value(name, "n"); sealed = value(name, "clock")
      if (name != sprintf("manifests/%s-%08d-%08d.manifest", chain, epoch, n)) fault(name ": is the seal of another number")
      isFirst = chain != chainBefore
      if (isFirst) { end = "0"; isOpen = 0 }
      isNext = !isFirst && (epoch == epochBefore ? n == nBefore + 1 : epoch == epochBefore + 1 && n == 1)
      follows = isFirst ? value(name, "prev") == zeros : value(name, "prev") == hash[before]
      if (!isFirst && follows != isNext) fault(name ": does not follow " before)
      if (!follows) isOpen = 1
      if (value(name, "packets") > 0) {
        if (isOpen) hole(name, end, value(name, "first_ts"))
        isOpen = 0
        end = value(name, "last_ts")
      }
      if (!isFirst && sealed + slack < sealedBefore) {
        if (name in said) print "CLOCK " name ": was set back, and the seal says so"
        else fault(name ": was sealed before " before ": the clock was set back")
      }
      for (r = 1; r <= receipts; r++) {
        if (substr(receipt[r], 10, 2) != chain) continue
        covered = value(receipt[r], "tree"); at = value(receipt[r], "received_us")
        if (!(name in leaf)) continue
        if (leaf[name] == covered - 1) head[receipt[r]] = 1
        if (leaf[name] < covered ? sealed > at + slack : sealed + slack < at)
          fault(name ": was sealed at another time than the collector says")
      }
      if (!(name in leaf)) print "LATER " name
      before = name; chainBefore = chain; epochBefore = epoch; nBefore = n; sealedBefore = sealed
    }
    for (r = 1; r <= receipts; r++)
      if (value(receipt[r], "tree") > 0 && !(receipt[r] in head))
        fault(receipt[r] ": the last seal that it speaks for is missing: the chain was cut off")
  }' >"$work/chain"
grep '^FAILED' "$work/chain" && : >"$work/bad"
grep '^CLOCK' "$work/chain" >"$work/clock" && sed 's/^CLOCK //' "$work/clock"

# 6. Packets are blocks of sealed segments, and seals leaves of countersigned chains: hash trees as in RFC 6962, 2.1.
#    All trees are climbed together, a level at a time.
id=0
k=0
: >"$work/trees"; : >"$work/order"; : >"$work/nodes"
newest() { for r in receipts/"$1"-*.receipt; do echo "$r"; done | sed -n '$p'; }
for proof in packets/*.proof receipts/*.proof; do
  [ -e "$proof" ] || continue
  case $proof in
    packets/*) data=${'$'}{proof%.proof}.pcapng ;;
    *) data=/dev/null number=${'$'}{proof#receipts/} && head=$(newest "${'$'}{number%.proof}") ;;
  esac
  exec 3<"$data" || fail "$data: is missing"
  while read -r what a b; do
    case "$proof $what" in
      "packets/"*" tree" | "receipts/"*" tree")
        id=$((id + 1))
        case $proof in
          packets/*) [ "${'$'}{a#manifests/}" != "$a" ] || fail "$proof: names $a, which is no seal" ;;
          *) [ "$a" = "$head" ] || fail "$proof: is not for $head" ;;
        esac
        echo "$id $a ${'$'}{b#leaves=} $proof" >>"$work/trees"
        ;;
      "packets/"*" block")
        k=$((k + 1))
        { printf '\000'; dd bs="$b" count=1 <&3 2>/dev/null; } >"$work/leaf/$k"
        echo "$k $id $a" >&4
        ;;
      "receipts/"*" leaf")
        k=$((k + 1))
        { printf '\000'; cat "$b"; } >"$work/leaf/$k"
        echo "$k $id $a" >&4
        ;;
      *" node") echo "$id $a $b" >&5 ;;
      *"catenary-proof" | "packets/"*" cut") ;;
      *) fail "$proof: has a line that means nothing: $what" ;;
    esac
  done <"$proof" 4>>"$work/order" 5>>"$work/nodes"
  [ "$(sha256sum <&3)" = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -" ] ||
    fail "$data: has more in it than $proof proves"
  exec 3<&-
done
for data in packets/*.pcapng; do
  [ ! -e "$data" ] || [ -e "${'$'}{data%.pcapng}.proof" ] || fail "$data: has no proof"
done
hash_all() { find "$1" -type f | sed 's|.*/||' | sort $2 | (cd "$1" && xargs sha256sum); }
: >"$work/level"
[ ! -s "$work/order" ] || hash_all "$work/leaf" -n | awk '
  NR == FNR { hash[$2] = $1; next } { print $2, $3, hash[$1] }' - "$work/order" >"$work/level"
: >"$work/roots"
level=0
while [ -s "$work/level" ] && [ "$level" -lt 48 ]; do
  : >"$work/next"; : >"$work/pairs"
  awk -v level="$level" '$2 == level { print $1, $3, $4 }' "$work/nodes" | cat - "$work/level" |
    sort -k1,1n -k2,2n | awk -v level="$level" -v work="$work" '
    function fault(id) { if (!told[id]++) print "FAILED " proof[id] ": does not lead to the root in " file[id] }
    function bytes(hex,  i, out) {
      for (i = 1; i < 64; i += 2) out = out octal[substr(hex, i, 2)]
      return out
    }
    # A node without a sibling stands on the next level as it is.
    function single() {
      if (!isLeft) return
      isLeft = 0
      if (at == width[tree] - 1) print tree, at / 2, left >(work "/next")
      else fault(tree)
    }
    BEGIN {
      for (i = 0; i < 256; i++) octal[sprintf("%02x", i)] = sprintf("\\%03o", i)
      while ((getline line <(work "/trees")) > 0) {
        split(line, t, " ")
        file[t[1]] = t[2]; proof[t[1]] = t[4]
        for (w = t[3]; l[t[1]] < level && w > 1; l[t[1]]++) w = int((w + 1) / 2)
        width[t[1]] = w
      }
    }
    $1 == tree && $2 == last { if ($3 != hash) fault($1); next }
    {
      if (isLeft && !($1 == tree && $2 == at + 1)) single()
      tree = $1; last = $2; hash = $3
      if (last >= width[tree]) fault(tree)
      else if (width[tree] == 1) print tree, hash >(work "/roots.new")
      else if (last % 2 == 0) { isLeft = 1; at = last; left = hash }
      else if (isLeft) { isLeft = 0; print tree, at / 2, "\\001" bytes(left) bytes(hash) >(work "/pairs") }
      else fault(tree)
    }
    END { single() }' >"$work/said"
  grep '^FAILED' "$work/said" && : >"$work/bad"
  [ ! -e "$work/roots.new" ] || { cat "$work/roots.new" >>"$work/roots"; rm "$work/roots.new"; }
  if [ -s "$work/pairs" ]; then
    mkdir "$work/node"
    while read -r tree index escaped; do printf "$escaped"; done <"$work/pairs" | (cd "$work/node" && split -b 65 -a 6 -)
    hash_all "$work/node" "" | awk 'NR == FNR { hash[NR] = $1; next } { print $1, $2, hash[FNR] }' - "$work/pairs" >>"$work/next"
    rm -r "$work/node"
  fi
  cat "$work/next" >"$work/level"
  level=$((level + 1))
done
while read -r id file leaves proof; do
  root=$(sed -n "s/^$id //p" "$work/roots")
  grep -q -x "tree=rfc6962-sha256-[a-z]* leaves=$leaves root=$root" "$file" 2>/dev/null ||
    fail "$proof: does not lead to the root in $file"
done <"$work/trees"

# 7. Times by somebody else.
for stamp in manifests/*.tsr; do
  [ -e "$stamp" ] || continue
  if [ $# -lt 2 ]; then
    echo "not checked: the time-stamp $stamp: give the authority's certificate"
  elif openssl ts -verify -data "${'$'}{stamp%.tsr}.manifest" -in "$stamp" -CAfile "$authority" >/dev/null 2>&1; then
    echo "time: ${'$'}{stamp%.tsr}.manifest was there at $(openssl ts -reply -in "$stamp" -text 2>/dev/null | sed -n 's/^Time stamp: //p')"
  else
    fail "$stamp: is no time-stamp of this manifest by this authority"
  fi
done

# 8. Who signed.
! grep -q -x 'times=cut' bundle.manifest || echo "not checked: whether seals of its times are missing, there are too many"
[ ! -e "$work/bad" ] || exit 1
keys=sensor.pub
[ ! -e collector.pub ] || keys="sensor.pub collector.pub"
fingerprint=$(cat $keys | sha256sum | sed 's/ .*//')
if [ $# -eq 0 ]; then
  echo "consistent, signer unproven: $fingerprint"
  exit 3
fi
if [ "$1" != "$fingerprint" ]; then
  echo "FAILED sensor.pub: the fingerprint of $keys is $fingerprint"
  exit 1
fi
if [ -e collector.pub ] && grep -q '^LATER' "$work/chain"; then
  echo "consistent, not proved: $(grep -c '^LATER' "$work/chain") of the seals are not countersigned by the collector"
  exit 3
fi
if [ -s "$work/clock" ]; then
  echo "consistent, not proved: when some of it was sealed"
  exit 3
fi
echo "proved: signed by $fingerprint"
exit 0
`;
