#!/bin/sh
# The demo: a collector with its store and console, a sensor that is given a history of 32 days, and a sensor that listens
# to the lab while real clients talk. It ends its output with where to look, and stays until Ctrl-C.
#
#   demo.sh FOLDER      run by make demo; FOLDER is made anew
#
# Root makes the lab and plays the story anew; without root the story is the one in test/golden, and nothing is live.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cli=$root/dist/cli.js
work=$1
rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
# Seconds for anything of ours to be ready.
PATIENCE=60

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
# As `waited WHAT SECONDS COMMAND...`: until the command succeeds.
waited() {
  what=$1
  left=$(($2 * 5))
  shift 2
  until "$@" > /dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      say "demo: $what did not come; what was said last:"
      tail -n 5 "$work"/*.log
      exit 1
    fi
    sleep 0.2
  done
}

collector='' lab=''
end() {
  trap '' INT TERM
  for pid in $lab $collector; do kill -TERM "$pid" 2> /dev/null || true; done
  for pid in $lab $collector; do wait "$pid" 2> /dev/null || true; done
}
trap end EXIT
trap 'exit 0' INT TERM

live=no
if [ "$(id -u)" = 0 ] && "$here/lab.sh" check; then live=yes; fi

step 'a collector: log, store, console'
cat > "$work/collector.yaml" <<CONFIG
collector: { dir: collector, listen: "127.0.0.1:0", console: "127.0.0.1:0" }
CONFIG
# A session of its own: Ctrl-C is for this script, which ends things in their order.
setsid node "$cli" collector --config "$work/collector.yaml" 2> "$work/collector.log" &
collector=$!
waited 'the collector' $PATIENCE grep -q 'console at' "$work/collector.log"
url=$(sed -n 's/.*sensors at //p' "$work/collector.log")
console=$(sed -n 's/.*console at //p' "$work/collector.log")
code=$(sed -n 's/.*first login at the console: code //p' "$work/collector.log")
say "listens for sensors at $url"

# As `sensor NAME CONFIG-LINE`: its configuration, and a certificate got with a one-time token.
sensor() {
  cat > "$work/$1.yaml" <<CONFIG
sensor: { name: $1$2 }
state: { dir: $1 }
evidence: { packets_mb: 256, segment_s: 5, files_mb: 256 }
ship: { url: "$url" }
CONFIG
  token=$(node "$cli" collector token "$1" --config "$work/collector.yaml")
  node "$cli" enroll "$url" "$token" --config "$work/$1.yaml"
}

step 'the story: 32 days, an executable on the first, a beacon on the last'
story=$root/test/golden/founding
if [ $live = yes ]; then
  story=$work/story
  "$here/story.sh" "$story"
else
  say 'without root: as it was played once, in test/golden/founding; real programs, dates shifted'
fi

step 'sensor "office" reads the story, in the time of its packets'
sensor office ''
node "$cli" sensor --config "$work/office.yaml" --captures "$story"/*.pcap
alerts=$work/office/alerts.ndjson
[ -s "$alerts" ] || { say 'demo: no alert came of it'; exit 1; }

if [ $live = yes ]; then
  step 'sensor "lab" listens at a mirror port, while three clients talk'
  "$here/lab.sh" run "$here/live.sh" "$work" "$cli" "$url" 2> "$work/lab.log" &
  lab=$!
  waited 'the live sensor' $PATIENCE grep -q 'collector: connected' "$work/sensor.log"
  say 'connected; what it hears is in the console within seconds'
fi

step 'what was found'
[ $live = no ] || say "How the live sensor is, and what it hears:
  dist/cli.js status --config $work/lab.yaml
  dist/cli.js tail --config $work/lab.yaml
"
node -e '
  const { readFileSync } = require("node:fs");
  const lines = readFileSync(process.argv[1], "utf8").trim().split("\n").map((l) => JSON.parse(l));
  const alert = lines.at(-1);
  console.log(alert.explanation);
  console.log(`\nIts evidence, and the check of it with openssl and sha256sum alone:`);
  console.log(`  dist/cli.js evidence export ${alert.id} --dir ${process.argv[2]} --alerts ${process.argv[1]} --out case`);
  console.log(`  sh case/verify.sh`);
  console.log(`\nThe first login takes the code ${process.argv[4]}. Ctrl-C ends everything.\n`);
  console.log(`CONSOLE ${process.argv[3]}`);
  console.log(`ALERT ${alert.id} ${alert.chain} ${alert.host}`);
' "$alerts" "$work/office" "$console" "$code"

# Until Ctrl-C, or until what runs has ended.
wait "$collector" || true
say 'demo: the collector has ended'
tail -n 5 "$work/collector.log"
exit 1
