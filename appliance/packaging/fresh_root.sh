#!/usr/bin/env bash
# What an owner does with the packages, in two fresh Debian 12 roots and network namespaces of their own: install without
# a network, set up a collector and a sensor, hear a span port, see the alert at the collector, remove, purge.
#
#   fresh_root.sh DEBS     DEBS has what `make deb` made; needs root, debootstrap and a mirror for the roots themselves
#
# BASE names a minimal Debian 12 to copy instead of making one. Ends with `fresh root: all is well`, or says what is not.
set -euo pipefail
cd "$(dirname "$0")/../.."
debs=$(realpath "$1")
native=$PWD/build/cmake/catenary-native

work=$(mktemp -d /tmp/catenary-fresh.XXXXXX)
box=ctyb$$
net=ctyn$$
children=()
die() { echo "fresh root: $*" >&2; exit 1; }
finish() {
  for pid in "${children[@]}"; do kill -KILL "$pid" || true; done 2>/dev/null
  wait 2>/dev/null || true
  ip netns del "$box" 2>/dev/null || true
  ip netns del "$net" 2>/dev/null || true
  for root in "$work"/sensor "$work"/collector; do
    for m in proc dev; do umount "$root/$m" 2>/dev/null || true; done
  done
  rm -rf --one-file-system "$work"
}
trap finish EXIT

# ---- two roots, with Debian's part of what the packages depend on, fetched while there is still a network ----------
if [ -n "${BASE:-}" ]; then
  cp -a "$BASE" "$work/sensor"
else
  debootstrap --variant=minbase bookworm "$work/sensor" \
    "$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources | head -n 1)" >/dev/null
fi
needs=(libpcap0.8 libssl3 libbrotli1 libre2-9 libyara9 openssl iproute2 ethtool)
chroot "$work/sensor" apt-get update -qq
chroot "$work/sensor" apt-get install -y -qq --no-install-recommends "${needs[@]}" </dev/null >/dev/null 2>&1
cp -a "$work/sensor" "$work/collector"
for root in sensor collector; do
  mkdir "$work/$root/root/debs"
  cp "$debs"/*.deb "$work/$root/root/debs/"
  mount -t proc proc "$work/$root/proc"
  mount --bind /dev "$work/$root/dev"
done

# ---- a box without a network, and a network that it hears ----------------------------------------------------------
ip netns add "$box"
ip netns add "$net"
ip -n "$box" link set lo up
ip -n "$net" link add "$net-a" type veth peer name span0 netns "$box"
ip -n "$net" link set "$net-a" up
ip -n "$box" link set span0 up
# /sys tells of the interfaces of the namespace that mounts it, and ip gives each command mounts of its own.
enter='mount -t sysfs sys "$0/sys" && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$0" "$@"'
in_root() { ip netns exec "$box" sh -c "$enter" "$work/$1" "${@:2}"; }
# As the unit starts it: its user, its one right, its ExecStart.
serve() {
  local root=$1 unit=$2 user rights
  local file="$work/$root/lib/systemd/system/$unit.service"
  user=$(sed -n 's/^User=//p' "$file")
  rights=$(sed -n 's/^AmbientCapabilities=//p' "$file" | tr A-Z a-z | sed 's/^cap_/,+/')
  # shellcheck disable=SC2046
  ip netns exec "$box" sh -c "$enter" "$work/$root" setpriv --reuid "$user" --regid "$user" --init-groups --no-new-privs \
    --bounding-set "-all$rights" --inh-caps "-all$rights" --ambient-caps "-all$rights" \
    $(sed -n 's/^ExecStart=//p' "$file") 2>"$work/$unit.log" &
  children+=($!)
}
wait_for() {
  for _ in $(seq 300); do
    if eval "$2" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  cat "$work"/*.log >&2
  die "$1 did not happen within a minute"
}
files() { (cd "$work/$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/lib/dpkg -o -path ./var/log \
  -o -path ./var/cache -o -path ./root -o -path ./tmp \) -prune -o -print | grep -v '^./etc/[a-z]*-$' | sort); }

echo "== install, without a network"
files sensor >"$work/sensor.before"
files collector >"$work/collector.before"
in_root sensor sh -c 'dpkg -i /root/debs/catenary-sensor_*.deb'
in_root collector sh -c 'dpkg -i /root/debs/catenary-sensor_*.deb /root/debs/catenary-collector_*.deb'
in_root sensor catenary --version

echo "== set up a collector"
in_root collector catenary setup --collector --auto --listen 127.0.0.1:8443
serve collector catenary-collector
wait_for 'the collector' "grep -q 'sensors at' $work/catenary-collector.log"
token=$(in_root collector catenary collector token fresh --config /etc/catenary/catenary.yaml)

echo "== set up a sensor, while the span port talks"
node --import tsx appliance/packaging/traffic.ts "$work/traffic.pcap"
(while :; do ip netns exec "$net" "$native" send "$work/traffic.pcap" "$net-a" 1500 >/dev/null || sleep 1; done) &
children+=($!)
cat >"$work/sensor/etc/catenary/everybody.yaml" <<'END'
chain: everybody-visits
title: A name that everybody visits
window: 1d
by: [who]
suppress: 1d
steps:
  - { id: ask, event: dns, where: 'dns.query == "updates.vendor.example"', bind: { who: dns.orig_host }, keep: { packets: flow } }
END
echo 'chains: { dirs: [/etc/catenary/everybody.yaml] }' >"$work/sensor/etc/catenary/catenary.yaml.d/50-chains.yaml"
in_root sensor catenary setup --auto --name fresh --url wss://127.0.0.1:8443 --token "$token"
in_root sensor cat /etc/catenary/catenary.yaml
grep -q 'span0' "$work/sensor/etc/catenary/catenary.yaml" || die 'setup did not find the span port'
serve sensor catenary-sensor
wait_for 'an alert at the sensor' "test -s $work/sensor/var/lib/catenary/alerts.ndjson"

echo "== how it is"
in_root sensor catenary status --once
in_root sensor catenary doctor --config /etc/catenary/catenary.yaml || true

echo "== the alert at the collector"
ask() {
  ip netns exec "$box" node -e '
    const { url, database, reader: r } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    fetch(`${url}/?database=${database}`, { method: "POST", body: process.argv[2],
      headers: { "X-ClickHouse-User": r.username, "X-ClickHouse-Key": r.password } })
      .then(async (a) => process.stdout.write(await a.text()));' \
    "$work/collector/var/lib/catenary-collector/store/access.json" "$1"
}
wait_for 'an alert at the collector' "ask 'SELECT count() FROM alert' | grep -q '^[1-9]'"
ask 'SELECT sensor, count() AS alerts FROM alert GROUP BY sensor FORMAT TSVWithNames'

echo "== stop, as systemd does"
for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
wait
tail -n 2 "$work"/catenary-*.log

echo "== remove, then purge"
in_root sensor dpkg -r catenary-sensor
files sensor | comm -13 "$work/sensor.before" - >"$work/left"
grep -Ev '^\./(etc/catenary|var/lib/catenary)(/|$)' "$work/left" && die 'remove left more than it said'
test -s "$work/sensor/var/lib/catenary/alerts.ndjson" || die 'remove took data'
in_root sensor dpkg -P catenary-sensor
in_root collector dpkg -P catenary-collector catenary-sensor
for root in sensor collector; do
  files $root | comm -13 "$work/$root.before" - | grep . && die "purge left these in the $root's root"
  if grep catenary "$work/$root/etc/passwd" "$work/$root/etc/group"; then die "purge left users in the $root's root"; fi
done
echo 'fresh root: all is well'
