#!/bin/sh
# Run by the lab for demo.sh: a sensor at the mirror port, and clients that go on talking until the lab ends.
#
#   lab.sh run live.sh FOLDER CLI URL
set -eu
work=$1 cli=$2 url=$3

if [ "$work" = client ]; then
  while :; do
    curl -s -m 10 http://www.daily-news.example/ > /dev/null || true
    curl -s -m 10 --cacert "$LAB_DIR/ca.pem" https://mail.orchard-post.example/ > /dev/null || true
    curl -s -m 10 http://www.weather-desk.example/ > /dev/null || true
    sleep 2
  done
fi

cat > "$work/lab.yaml" <<CONFIG
sensor: { name: lab, interfaces: [$LAB_MIRROR] }
state: { dir: lab }
evidence: { packets_mb: 256, segment_s: 5, files_mb: 256 }
ship: { url: "$url" }
CONFIG
token=$(node "$cli" collector token lab --config "$work/collector.yaml")
node "$cli" enroll "$url" "$token" --config "$work/lab.yaml"
node "$cli" sensor --config "$work/lab.yaml" 2> "$work/sensor.log" &
sensor=$!
# Told to end: the sensor in its order first; the clients end with the lab.
trap 'kill -TERM "$sensor"; wait "$sensor"; exit 0' TERM INT
for name in $LAB_CLIENTS; do
  { "$LAB" dhcp "$name" && "$LAB" client "$name" "$0" client - -; } &
done
wait "$sensor"
