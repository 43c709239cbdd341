#!/bin/bash
# Makes the captures of this folder anew: curl asks Dante and an SSH client for connections over the loopback of a network
# namespace of their own. Needs root, dante-server, openssh, nginx-light, curl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
pids=
finish() {
  for p in $pids; do kill "$p" 2> /dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
chmod 755 "$work"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
ip addr add 203.0.113.7/32 dev lo

mkdir site
echo 'a page' > site/index.html
cat > nginx.conf << END
daemon off;
pid $work/nginx.pid;
error_log /dev/null;
events {}
http { access_log off; server { listen 203.0.113.7:80; root $work/site; } }
END
nginx -c "$work/nginx.conf" &
pids="$pids $!"
cat > danted.conf << END
internal: 198.51.100.2 port = 1080
external: 198.51.100.2
clientmethod: none
socksmethod: none
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 81 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
END
danted -f "$work/danted.conf" > /dev/null 2>&1 &
pids="$pids $!"
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f user
cp user.pub keys
mkdir -p /run/sshd
/usr/sbin/sshd -D -f /dev/null -o "HostKey=$work/host" -o ListenAddress=198.51.100.2:2222 -o UsePAM=no \
  -o "AuthorizedKeysFile=$work/keys" -o StrictModes=no -o PidFile=none &
pids="$pids $!"
sleep 2
ssh -N -D 192.0.2.1:8888 -i user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p 2222 \
  root@198.51.100.2 > /dev/null 2>&1 &
pids="$pids $!"
sleep 2

capture() { # name, filter
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "$2" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
get() { curl -s -o /dev/null --interface 192.0.2.1 -m 5 "$@" || true; }

capture dante 'tcp port 1080'
get --proxy socks5://198.51.100.2:1080 http://203.0.113.7/
get --proxy socks5://198.51.100.2:1080 http://203.0.113.7:81/
get --proxy socks4://198.51.100.2:1080 http://203.0.113.7/
stop
capture ssh 'tcp port 8888'
get --proxy socks5h://192.0.2.1:8888 http://203.0.113.7/
get --proxy socks4a://192.0.2.1:8888 http://localhost:81/
stop
