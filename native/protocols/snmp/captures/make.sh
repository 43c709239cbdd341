#!/bin/sh
# Makes the captures of this folder anew: net-snmp's agent and programs over the loopback of a network namespace of their
# own. Needs root, snmp, snmpd, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
agent=
finish() { # the agent writes its state when it ends
  [ -z "$agent" ] || { kill "$agent" && wait "$agent"; } 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
ip link set lo up
ip addr add 192.0.2.161/32 dev lo
mount -t tmpfs none /run
export SNMP_PERSISTENT_DIR="$work/state" MIBS=""
mkdir state
cat > snmpd.conf << EOF
agentaddress udp:192.0.2.161:161
rocommunity public
rwcommunity private
createUser guest SHA authenticate AES encrypted1
rouser guest priv
sysDescr A router that is none
sysLocation here
sysContact nobody
EOF
snmpd -f -Lo -C -c snmpd.conf -I system_mib,sysORTable,usmUser,snmpEngine > /dev/null 2>&1 &
agent=$!
sleep 2

capture() { # name, then a command
  name=$1
  shift
  tcpdump -i lo -U -s 0 -w "$out/$name.pcap" udp port 161 or udp port 162 2> /dev/null &
  dump=$!
  sleep 1
  "$@" > /dev/null 2>&1 < /dev/null || true
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
to="-r 0 -t 1 192.0.2.161"
capture get snmpget -v 2c -c public $to 1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.3.0
capture walk_v1 snmpwalk -v 1 -c public $to 1.3.6.1.2.1.1
capture bulk snmpbulkget -v 2c -c public $to 1.3.6.1.2.1.1
capture set_refused snmpset -v 2c -c private $to 1.3.6.1.2.1.1.6.0 s there
capture encrypted snmpget -v 3 -u guest -l authPriv -a SHA -A authenticate -x AES -X encrypted1 $to 1.3.6.1.2.1.1.1.0
capture trap_v1 snmptrap -v 1 -c public 192.0.2.161 1.3.6.1.4.1.8072 192.0.2.1 6 17 100
capture trap_v2 snmptrap -v 2c -c public 192.0.2.161 100 1.3.6.1.6.3.1.1.5.3
