#!/bin/bash
# Makes the captures of this folder anew: xfreerdp talks to xrdp over the loopback of a network namespace of their own.
# Nobody logs in: there is no session manager. Needs root, xrdp, xfreerdp, Xvfb, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 198.51.100.2/32 dev lo
export DISPLAY=:97 HOME="$work"
Xvfb $DISPLAY -screen 0 1024x768x24 -nolisten tcp > /dev/null 2>&1 &
display=$!
trap 'kill $display; finish' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=rdp.example.test 2> /dev/null
cp -r /etc/xrdp etc
capture() { # name, layer, then what xfreerdp is told
  local name=$1 layer=$2
  shift 2
  sed -e "s/^security_layer=.*/security_layer=$layer/" -e "s#^certificate=.*#certificate=$work/cert.pem#" \
    -e "s#^key_file=.*#key_file=$work/key.pem#" /etc/xrdp/xrdp.ini > etc/xrdp.ini
  xrdp --nodaemon --config "$work/etc/xrdp.ini" > /dev/null 2>&1 &
  server=$!
  tcpdump -i lo -U -s 0 -w "$out/$name.pcap" tcp port 3389 2> /dev/null &
  dump=$!
  sleep 1
  timeout 3 xfreerdp /v:198.51.100.2 /u:alice /p:secret /cert:ignore /client-hostname:DESK-7 /kbd:0x407 /size:800x600 "$@" > /dev/null 2>&1 || true
  sleep 1
  kill "$dump" "$server"
  wait "$dump" "$server" 2> /dev/null || true
  server=
}
capture rdp rdp /sec:rdp
capture tls tls /sec:tls
capture refused tls /sec:rdp
