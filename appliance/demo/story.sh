#!/bin/sh
# The founding case, played for real: an executable arrives, sleeps a month, phones home. Three clients of the lab live
# through 32 days of a few seconds each, every day in a capture of its own; then each capture is shifted to its day.
# So packets, programs and their answers are real, and the dates are not.
#
#   sudo appliance/demo/story.sh FOLDER          about a minute; FOLDER/day-00.pcap to day-31.pcap, FOLDER/story.json
#
# day 0      laptop-7 fetches invoice.exe over HTTP. It is systemd's boot loader: a Windows executable that Debian ships
#            and nothing here would ever run.
# every day  all get their address by DHCP, browse by HTTP and HTTPS, and poll one updater
# day 3      all fetch one tool, also an executable: what everybody has is no lead
# day 31     laptop-7 calls a name nobody has called before, 24 times at even intervals
set -eu
here=$(dirname "$(realpath "$0")")
LAB=$here/lab.sh
EFI=/usr/lib/systemd/boot/efi
DROPPER=$EFI/systemd-bootx64.efi
TOOL=$EFI/linuxx64.efi.stub
VICTIM=laptop-7
C2=sync.telemetry-hub.example
DAYS=31
CONTACTS=24
# The first day [s since 1970], 09:00; a second that was played is ten minutes of a day, of the last day five.
START=1767603600
SCALE=600
SCALE_LAST=300
export LC_ALL=C

if [ "${1:-}" = day ]; then # one client's day: day NUMBER NAME, run as that client
  fetch() { curl -s -m 10 --cacert "$LAB_DIR/ca.pem" -A "$agent" "$@" > /dev/null; }
  agent='Mozilla/5.0 (X11; Linux x86_64) office'
  case $3 in laptop-7) n=0 ;; desk-3) n=1 ;; *) n=2 ;; esac
  # Another pair of names every day; after three days a client knows them all.
  case $((($2 + n) % 3)) in
    0) fetch http://www.daily-news.example/ https://mail.orchard-post.example/ ;;
    1) fetch https://www.weather-desk.example/ http://shop.papercraft.example/ ;;
    2) fetch http://wiki.makers.example/ https://cdn.widgets.example/ ;;
  esac
  agent=updater/3.1
  fetch http://update.vendor.example/channel/stable.json
  agent=fetch/1.0
  [ "$2" != 3 ] || fetch http://tools.vendor.example/setup-tool.exe
  if [ "$3" = "$VICTIM" ] && [ "$2" = 0 ]; then fetch http://files.invoice-portal.example/invoice.exe; fi
  if [ "$3" = "$VICTIM" ] && [ "$2" = "$DAYS" ]; then
    i=0
    while [ $i -lt $CONTACTS ]; do
      fetch "https://$C2/api/v1/status"
      i=$((i + 1))
      sleep 0.8
    done
  fi
  exit 0
fi

if [ "${1:-}" = play ]; then # inside the lab
  out=$2
  www=$LAB_DIR/www
  mkdir -p "$www/update.vendor.example/channel" "$www/$C2/api/v1"
  echo '{"channel":"stable","version":"3.1.4"}' > "$www/update.vendor.example/channel/stable.json"
  echo '{"status":"ok","next":300}' > "$www/$C2/api/v1/status"
  cp "$DROPPER" "$www/files.invoice-portal.example/invoice.exe"
  cp "$TOOL" "$www/tools.vendor.example/setup-tool.exe"
  set --
  day=0
  while [ $day -le $DAYS ]; do
    raw=$LAB_DIR/day-$(printf %02d $day).pcap
    # Slots of a frame's size, not of 256 KiB: else the ring holds eight.
    tcpdump -i "$LAB_MIRROR" -Z root -U --immediate-mode -s 2000 -B 16384 -w "$raw" 2> "$LAB_DIR/tcpdump.out" &
    dump=$!
    n=0
    until grep -qs "^tcpdump: listening" "$LAB_DIR/tcpdump.out"; do
      n=$((n + 1))
      if [ $n -gt 100 ]; then
        echo "story: tcpdump does not listen: $(cat "$LAB_DIR/tcpdump.out")" >&2
        exit 1
      fi
      sleep 0.05
    done
    clients=''
    for name in $LAB_CLIENTS; do
      { "$LAB" dhcp "$name" && "$LAB" client "$name" "$here/story.sh" day "$day" "$name"; } &
      clients="$clients $!"
    done
    for pid in $clients; do
      wait "$pid" || { echo "story: a client had no good day $day" >&2 && exit 1; }
    done
    # What was sent last is on its way through the ring.
    sleep 0.2
    kill -INT "$dump" && wait "$dump"
    lost=$(sed -n 's/^\([0-9]*\) packets\{0,1\} dropped by kernel.*/\1/p' "$LAB_DIR/tcpdump.out")
    [ "$lost" = 0 ] || { echo "story: tcpdump lost ${lost:-?} packets on day $day: play it again" >&2 && exit 1; }
    scale=$SCALE
    [ $day != $DAYS ] || scale=$SCALE_LAST
    set -- "$@" "$raw" "$out/${raw##*/}" "$(date -u -d "@$((START + day * 86400))" +%Y-%m-%dT%H:%M:%SZ)" $scale
    day=$((day + 1))
  done
  node --import tsx "$here/shift.ts" "$@"
  sum=$(sha256sum < "$DROPPER")
  cat > "$out/story.json" << END
{
  "played": "in minutes, by real programs; then every capture was shifted to its day",
  "host": "$VICTIM",
  "sha256": "${sum%% *}",
  "domain": "$C2",
  "days": $((DAYS + 1)),
  "first_day": "$(date -u -d "@$START" +%Y-%m-%d)"
}
END
  exit 0
fi

[ $# -eq 1 ] || {
  echo 'story: story.sh FOLDER' >&2
  exit 2
}
for file in "$DROPPER" "$TOOL"; do
  [ -e "$file" ] || { echo "story: $file is missing (.ci/deps demo, or install systemd-boot-efi)" >&2 && exit 1; }
done
command -v tcpdump > /dev/null || { echo 'story: tcpdump is missing (.ci/deps demo)' >&2 && exit 1; }
mkdir -p "$1"
out=$(realpath "$1")
echo "story: 32 days of three clients are played now, in about a minute, and then shifted in time to their dates" >&2
exec "$LAB" run "$here/story.sh" play "$out"
