#!/bin/sh
# Makes the captures of this folder anew: OpenSSH and dropbear over the loopback of a network namespace of their own, with
# users and keys that end with it. Needs root, openssh-server, openssh-client, dropbear-bin, sshpass, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.22/32 dev lo
mount -t tmpfs none /run
mkdir -p /run/sshd
# A user with a password, in files that only this namespace sees.
cp /etc/passwd /etc/shadow .
printf 'guest:x:65000:65000::%s:/bin/sh\n' "$work" >> passwd
printf 'guest:%s:20000::::::\n' "$(openssl passwd -6 -salt salt right)" >> shadow
mount --bind passwd /etc/passwd
mount --bind shadow /etc/shadow
ssh-keygen -q -t ed25519 -N '' -C host -f host
ssh-keygen -q -t ed25519 -N '' -C guest -f guest
cp guest.pub authorized_keys
chmod 644 authorized_keys
cat > sshd_config << EOF
Port 22
ListenAddress 192.0.2.22
HostKey $work/host
AuthorizedKeysFile $work/authorized_keys
StrictModes no
UsePAM no
PidFile $work/sshd.pid
EOF
/usr/sbin/sshd -D -f sshd_config 2> /dev/null &
server=$!
dropbearkey -t ed25519 -f dropbear_host > /dev/null 2>&1
dropbear -F -R -r dropbear_host -p 192.0.2.22:2222 > /dev/null 2>&1 &
other=$!
sleep 1

capture() { # name, then a command
  name=$1
  shift
  tcpdump -i lo -U -s 0 -w "$out/$name.pcap" tcp 2> /dev/null &
  dump=$!
  sleep 1
  "$@" > /dev/null 2>&1 < /dev/null || true
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
options="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -F /dev/null"
capture key ssh $options -i guest guest@192.0.2.22 true
capture password_wrong sshpass -p wrong ssh $options -o PubkeyAuthentication=no guest@192.0.2.22 true
capture password_right sshpass -p right ssh $options -o PubkeyAuthentication=no guest@192.0.2.22 true
capture group_exchange ssh $options -o KexAlgorithms=diffie-hellman-group-exchange-sha256 -c aes128-ctr -i guest guest@192.0.2.22 true
capture compressed ssh $options -C -i guest guest@192.0.2.22 true
capture nothing_in_common ssh $options -c aes128-cbc -i guest guest@192.0.2.22 true
capture dropbear sshpass -p right ssh $options -p 2222 guest@192.0.2.22 true
kill "$server" "$other" && wait "$server" "$other" 2> /dev/null || true
