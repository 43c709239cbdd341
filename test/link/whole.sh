#!/bin/sh
# Run by the lab for whole.test.ts: a collector, a sensor at the mirror port, three clients that talk for about ten seconds,
# and what interface, servers and store counted, copied to a folder.
#
#   lab.sh run whole.sh FOLDER ROOT
set -eu
out=$1
root=$2
cli=$root/dist/cli.js
counter=/sys/class/net/$LAB_MIRROR/statistics/rx_packets

waited() {
  n=0
  until grep -q "$1" "$2"; do
    n=$((n + 1))
    if [ $n -gt 300 ]; then
      cat "$2" >&2
      exit 1
    fi
    sleep 0.1
  done
}

cat > "$out/collector.yaml" <<CONFIG
collector: { dir: collector, listen: "127.0.0.1:0", console: "127.0.0.1:0" }
CONFIG
node "$cli" collector --config "$out/collector.yaml" 2> "$out/collector.log" &
collector=$!
waited 'console at' "$out/collector.log"
url=$(sed -n 's/.*sensors at //p' "$out/collector.log")
cat > "$out/sensor.yaml" <<CONFIG
sensor: { name: link, interfaces: [$LAB_MIRROR] }
state: { dir: sensor }
evidence: { packets_mb: 64, segment_s: 5, files_mb: 64 }
ship: { url: "$url" }
CONFIG
node "$cli" enroll "$url" "$(node "$cli" collector token link --config "$out/collector.yaml")" --config "$out/sensor.yaml"
before=$(cat "$counter")
node "$cli" sensor --config "$out/sensor.yaml" 2> "$out/sensor.log" &
sensor=$!
waited 'collector: connected' "$out/sensor.log"
node "$cli" tail --config "$out/sensor.yaml" > "$out/tail.ndjson" &
tail=$!
# Listening in before anybody talks: nothing may be missing from it.
until ss -xH state connected | grep -q "$out/sensor/status.sock"; do sleep 0.1; done
sleep 1

clients=''
for name in $LAB_CLIENTS; do
  { "$LAB" dhcp "$name" && "$LAB" client "$name" "$(dirname "$0")/talk.sh" client -; } &
  clients="$clients $!"
done
for pid in $clients; do wait "$pid"; done
sleep 0.5
"$LAB" unplug
sleep 1
echo $(($(cat "$counter") - before)) > "$out/rx_packets"
node "$cli" status --config "$out/sensor.yaml" --json > "$out/status.json"
kill -TERM "$sensor"
wait "$sensor"
wait "$tail"
cp "$LAB_DIR/access.log" "$LAB_DIR/dnsmasq.log" "$out/"
node --import "$root/node_modules/tsx/dist/loader.mjs" "$(dirname "$0")/counts.ts" "$out" > "$out/counts.json"
kill -TERM "$collector"
wait "$collector"
