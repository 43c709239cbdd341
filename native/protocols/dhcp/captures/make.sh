#!/bin/sh
# Makes the captures of this folder anew: dhclient and dnsmasq on the two ends of a virtual cable, each in a network
# namespace of its own. Needs root, isc-dhcp-client, dnsmasq, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
finish() {
  [ ! -s client.pid ] || kill "$(cat client.pid)" 2> /dev/null || true
  rm -rf "$work"
}
cd "$work"
mount -t tmpfs none /run
ip netns add client
ip link add server0 address 02:00:00:00:00:01 type veth peer name client0 address 02:00:00:00:00:02 netns client
ip addr add 192.0.2.1/24 dev server0
ip link set server0 up
ip -n client link set client0 up
ip -n client link set lo up

cat > dnsmasq.conf << EOF
port=0
no-daemon
user=root
interface=server0
bind-interfaces
dhcp-authoritative
dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,1h
dhcp-option=3,192.0.2.1
dhcp-option=6,192.0.2.53,192.0.2.54
domain=corp.test
dhcp-leasefile=$work/leases
pid-file=$work/dnsmasq.pid
no-ping
EOF
cat > dhclient.conf << EOF
send host-name "laptop-7";
send fqdn.fqdn "laptop-7.corp.test.";
send dhcp-client-identifier 01:02:00:00:00:00:02;
send vendor-class-identifier "made for a test";
request subnet-mask, routers, domain-name-servers, domain-name;
initial-interval 1;
timeout 5;
EOF
# Configures what it is told, and nothing else of the machine.
cat > script << 'EOF'
#!/bin/sh
case $reason in
  BOUND | RENEW | REBIND | REBOOT) ip addr replace "$new_ip_address/24" dev "$interface" ;;
  RELEASE | STOP | EXPIRE) ip addr flush dev "$interface" ;;
esac
EOF
chmod +x script

capture() { # name: until the next stop
  tcpdump -i server0 -U -s 0 -w "$out/$1.pcap" 'udp port 67 or udp port 68' 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
client() {
  ip netns exec client dhclient -cf "$work/dhclient.conf" -lf "$work/client.leases" -pf "$work/client.pid" \
    -sf "$work/script" "$@" client0 > /dev/null 2>&1 || true
}
trap finish EXIT
dnsmasq -C dnsmasq.conf > /dev/null 2>&1 &
server=$!
sleep 1

# A new lease, and the same again by a client that remembers it.
capture lease
client -1
client -x
sleep 1
client -1
client -x
stop

# The client remembers an address of another network; then it gives its new one back.
sed -i 's/192\.0\.2\.1[0-9][0-9]/198.51.100.9/' client.leases
capture refused
client -1
client -r
stop
kill "$server" && wait "$server" 2> /dev/null || true

# Nobody answers.
rm -f client.leases
capture unanswered
client -1
stop
