#!/bin/bash
# Makes the captures of this folder anew: logger and rsyslogd talk over the loopback of a network namespace of their own.
# Needs root, bsdutils (logger), rsyslog, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --uts "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
hostname gate
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo

# Takes everything in, and sends what came to port 5140 on to port 601, with a length in front of each message.
cat > rsyslog.conf << EOF
global(workDirectory="$work")
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="514")
input(type="imudp" port="5140" ruleset="on")
input(type="imtcp" port="601")
input(type="imtcp" port="1514")
ruleset(name="on") {
  action(type="omfwd" target="198.51.100.2" port="601" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
}
*.* /dev/null
EOF
rsyslogd -n -f "$work/rsyslog.conf" -i "$work/pid" > /dev/null 2>&1 &
server=$!
sleep 1
capture() { # name, filter
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "$2" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
say() { logger -n 198.51.100.2 "$@"; }

capture udp 'udp port 514'
say -d -P 514 --rfc3164 -t sshd -p auth.info --id=71 'Failed password for root from 203.0.113.9'
say -d -P 514 --rfc5424 -t backup -p daemon.err --id=72 --msgid ID47 'no space left'
say -d -P 514 --rfc5424=notime,nohost -t backup -p local7.debug 'neither time nor host'
printf 'no priority at all' > /dev/udp/198.51.100.2/514
printf '<999>no such priority' > /dev/udp/198.51.100.2/514
stop
capture lines 'tcp port 1514'
say -T -P 1514 --rfc3164 -t cron -p cron.notice 'a line'
say -T -P 1514 --rfc5424 -t kernel -p kern.warning 'another line'
stop
capture counted 'tcp port 601'
say -T -P 601 --octet-count --rfc5424 -t app -p user.info 'with its length in front'
for i in 1 2 3; do say -d -P 5140 --rfc5424 -t relay -p mail.info "sent on, $i"; done
stop
capture other_port 'udp port 5140'
say -d -P 5140 --rfc3164 -t su -p authpriv.crit 'on a port of its own'
stop
