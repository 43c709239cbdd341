#!/bin/bash
# Makes the captures of this folder anew: smbclient and rpcclient talk to Samba over the loopback of a network namespace
# of their own. Needs root, samba, smbclient, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net --mount "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
server= rpc=
finish() {
  [ -z "$server" ] || kill "$server" "$rpc" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
mkdir -p share run state lock cache private
mkdir -p /run/samba
mount -t tmpfs tmpfs /run/samba  # of this namespace alone
chmod 777 share "$work"
seq 1 3000 > report.txt
printf 'PK\003\004 not really an archive' > small.zip

serve() { # the rest: lines of the configuration
  {
    printf '%s\n' '[global]' 'netbios name = FS1' 'workgroup = EXAMPLE' 'server role = standalone server' \
      'map to guest = never' 'disable netbios = yes' 'smb ports = 445' "private dir = $work/private" \
      "lock directory = $work/lock" "state directory = $work/state" "cache directory = $work/cache" \
      "pid directory = $work/run" 'load printers = no' 'printing = bsd' \
      'printcap name = /dev/null' 'disable spoolss = yes' 'rpc start on demand helpers = no' 'log level = 0' "log file = $work/log"
    printf '%s\n' "$@"
    printf '%s\n' '[public]' "path = $work/share" 'read only = no' 'force user = nobody'
  } > smb.conf
  printf 'secret\nsecret\n' | smbpasswd -c smb.conf -s -a nobody > /dev/null 2>&1
  smbd --configfile=smb.conf --foreground --no-process-group > /dev/null 2>&1 &
  server=$!
  /usr/libexec/samba/samba-dcerpcd --libexec-rpcds --configfile=smb.conf --foreground --no-process-group > /dev/null 2>&1 &
  rpc=$!
  sleep 3
}
unserve() {
  kill "$server" "$rpc" && wait "$server" "$rpc" 2> /dev/null || true
  server= rpc=
  sleep 1
}
capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "${2:-tcp port 445}" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
client() { # protocol, options of smbclient ...
  local version=$1
  shift
  smbclient //198.51.100.2/public --configfile=smb.conf --option="client min protocol = NT1" --option="interfaces = 192.0.2.1" \
    -m "$version" -U 'nobody%secret' "$@" > /dev/null 2>&1 || true
}
work_with_files='mkdir docs; put report.txt docs/report.txt; put small.zip docs/small.zip; ls docs/*; get docs/report.txt copy.txt; rename docs/small.zip docs/archive.zip; del docs/archive.zip; del docs/report.txt; rmdir docs'

serve 'server min protocol = NT1' 'ntlm auth = yes'
capture smb3
client SMB3 -c "$work_with_files"
stop
capture smb2
client SMB2_02 -c "$work_with_files"
stop
capture smb1
client NT1 -c "$work_with_files"
stop
capture refused
smbclient //198.51.100.2/public --configfile=smb.conf -m SMB3 -U 'nobody%wrong' -c ls > /dev/null 2>&1 || true
stop
capture encrypted
client SMB3 --client-protection=encrypt -c "$work_with_files"
stop
capture pipes
rpcclient ncacn_np:198.51.100.2 --configfile=smb.conf -U 'nobody%secret' -c 'srvinfo; netshareenum; enumdomusers; lookupnames nobody; lsaquery' ${DEBUG:+-d 3} > ${DEBUG:-/dev/null} 2>&1 || true
stop
# The endpoint mapper, and what it names; for the captures of dce_rpc.
capture tcp 'tcp port 135 or tcp portrange 49152-65535'
rpcclient ncacn_ip_tcp:198.51.100.2 --configfile=smb.conf -U 'nobody%secret' -c 'lookupnames nobody; lsaquery' > /dev/null 2>&1 || true
rpcclient 'ncacn_ip_tcp:198.51.100.2[sign]' --configfile=smb.conf -U 'nobody%secret' -c 'enumdomusers' > /dev/null 2>&1 || true
stop
unserve
