#!/bin/sh
# Run by the lab for link.test.ts: a sensor at the mirror port, three clients that talk for about ten seconds, and what
# both sides counted and logged, copied to a folder.
#
#   lab.sh run talk.sh FOLDER CLI
set -eu
out=$1
cli=$2
rounds=14
counter=/sys/class/net/$LAB_MIRROR/statistics/rx_packets

if [ "$out" = client ]; then # as a client: fresh names, kept connections, both protocols
  i=0
  while [ $i -lt $rounds ]; do
    curl -s -m 10 "http://www.daily-news.example/?round=$i" "http://www.daily-news.example/none/$i" > /dev/null
    curl -s -m 10 "http://shop.papercraft.example/cart?item=$i" > /dev/null
    curl -s -m 10 --cacert "$LAB_DIR/ca.pem" https://mail.orchard-post.example/ > /dev/null
    sleep 0.3
    i=$((i + 1))
  done
  exit 0
fi

echo "$LAB_MIRROR" > "$out/mirror"
before=$(cat "$counter")
node "$cli" read -i "$LAB_MIRROR" --as json --out "$out/events" 2> "$out/summary" &
sensor=$!
# It listens once the kernel lists its packet socket on this interface.
index=$(cat "/sys/class/net/$LAB_MIRROR/ifindex")
n=0
until awk -v i="$index" '$5 == i { found = 1 } END { exit !found }' /proc/net/packet; do
  n=$((n + 1))
  if [ $n -gt 300 ] || ! kill -0 "$sensor"; then
    cat "$out/summary" >&2
    echo 'talk: the sensor does not listen' >&2
    exit 1
  fi
  sleep 0.1
done
sleep 1

clients=''
for name in $LAB_CLIENTS; do
  { "$LAB" dhcp "$name" && "$LAB" client "$name" "$0" client -; } &
  clients="$clients $!"
done
for pid in $clients; do wait "$pid"; done
sleep 0.5
# From here on nothing comes any more, so that the counter stands still while the sensor ends.
"$LAB" unplug
sleep 1
echo $(($(cat "$counter") - before)) > "$out/rx_packets"
kill -TERM "$sensor"
code=0
wait "$sensor" || code=$?
[ $code = 143 ] || { cat "$out/summary" >&2 && exit 1; }
cp "$LAB_DIR/access.log" "$LAB_DIR/dnsmasq.log" "$out/"
