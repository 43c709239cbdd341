#!/bin/sh
# The lab: a small office on a switch whose mirror port a sensor listens to. Clients get their addresses from a real
# DHCP server, ask a real DNS server and fetch from a real web server; every frame that enters the switch leaves once
# more at the mirror. For the demo and for tests of the live path.
#
#   lab.sh check                       what is missing to run it: nothing and 0, or a line each and 1
#   lab.sh run COMMAND [ARG...]        builds the lab, runs COMMAND in it, takes the lab down; exit code of COMMAND
#   lab.sh client NAME COMMAND [...]   inside COMMAND only: runs something as that client
#   lab.sh dhcp NAME                   inside COMMAND only: the client asks for its address, and configures it
#   lab.sh unplug                      inside COMMAND only: nothing reaches the mirror port from now on
#
#   caller's network:   LAB_MIRROR ─┐ (up, no address, silent)
#   namespaces:                 [ switch ] ── laptop-7, desk-3, desk-4     10.20.0.100 and on, by DHCP
#                                   └─────── gateway  10.20.0.1: DHCP, DNS; 203.0.113.0/24: the web, by HTTP and HTTPS
#
# COMMAND stays in the caller's network, so what it serves can be reached from there, and finds in its environment:
#   LAB         this script              LAB_MIRROR   the interface to capture from
#   LAB_DIR     a folder that goes with the lab: www/HOST/PATH is what the web serves, access.log what it served (a
#               JSON line each), dnsmasq.log what was asked, ca.pem whom clients trust
#   LAB_CLIENTS the names of the clients
#
# Shell, because nearly every line starts a program. The lab lives in a PID and a mount namespace of its own, and no
# network namespace in it has a name: when its first process ends, however it ends, the kernel ends all others, and with
# them every namespace and interface. So nothing can be left, even by kill -9 (then: one folder of logs in TMPDIR), and
# two labs cannot meet: the one name in the caller's network, LAB_MIRROR, has a random suffix.
set -eu

LAB_CLIENTS='laptop-7 desk-3 desk-4'
# Names the lab's DNS knows, with the addresses of the web server that answers for them: documentation's, RFC 5737.
LAB_NAMES='
203.0.113.10 www.daily-news.example
203.0.113.11 mail.orchard-post.example
203.0.113.12 www.weather-desk.example
203.0.113.13 shop.papercraft.example
203.0.113.14 cdn.widgets.example
203.0.113.15 wiki.makers.example
203.0.113.20 update.vendor.example
203.0.113.21 tools.vendor.example
203.0.113.30 files.invoice-portal.example
203.0.113.40 sync.telemetry-hub.example'
# How long anything of ours may take to be ready or gone [0.1 s].
PATIENCE=100

fail() {
  echo "lab: $*" >&2
  exit 1
}

check() {
  missing=0
  if [ "$(id -u)" != 0 ]; then
    echo "lab: needs root, for network namespaces (run it with sudo)"
    missing=1
  fi
  for tool in unshare:util-linux nsenter:util-linux setpriv:util-linux ip:iproute2 tc:iproute2 ethtool:ethtool \
    dnsmasq:dnsmasq-base dhclient:isc-dhcp-client nginx:nginx-light curl:curl openssl:openssl; do
    if ! command -v "${tool%:*}" > /dev/null; then
      echo "lab: ${tool%:*} is missing (install ${tool#*:}, or all of it with .ci/deps demo)"
      missing=1
    fi
  done
  return $missing
}

# await WHAT TEST...: until TEST holds.
await() {
  what=$1
  shift
  n=0
  until "$@" > /dev/null 2>&1; do
    n=$((n + 1))
    [ $n -le $PATIENCE ] || fail "$what did not happen in $((PATIENCE / 10)) s"
    sleep 0.1
  done
}
gone() { ! "$@"; }

# ---- outside: starts the namespaces, and waits until nothing of them is left ------------------------------------------
run() {
  [ $# -gt 0 ] || fail "run what? (lab.sh run COMMAND [ARG...])"
  check >&2 || exit 1
  LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/catenary-lab.XXXXXX")
  LAB_MIRROR=mirror-${LAB_DIR##*.}
  chmod 755 "$LAB_DIR"
  export LAB LAB_DIR LAB_MIRROR LAB_CLIENTS
  first='' code=0
  trap 'stop 130' INT
  trap 'stop 143' TERM
  trap 'stop 129' HUP
  # Dies with this shell, and its child with it.
  exec 3<&0
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$LAB" inside "$@" <&3 3<&- &
  first=$!
  wait "$first" || code=$?
  remains
  exit "$code"
}
# A signal: COMMAND may end in order; what does not is ended.
stop() {
  trap '' INT TERM HUP
  if [ -s "$LAB_DIR/pid" ]; then
    kill -TERM "$(cat "$LAB_DIR/pid")" 2> /dev/null || true
    n=0
    while kill -0 "$first" 2> /dev/null && [ $n -lt $PATIENCE ]; do
      n=$((n + 1))
      sleep 0.1
    done
  fi
  [ -z "$first" ] || kill -KILL "$first" 2> /dev/null || true
  [ -z "$first" ] || wait "$first" 2> /dev/null || true
  remains
  exit "$1"
}
# The kernel takes a namespace down a little after its last process.
remains() {
  await "the end of $LAB_MIRROR" gone ip link show "$LAB_MIRROR"
  rm -rf "$LAB_DIR"
}

# ---- inside: process 1 of the lab -------------------------------------------------------------------------------------
holder() { cat "$LAB_DIR/$1.pid"; }
# in_net NAME COMMAND...: in that namespace.
in_net() {
  pid=$(holder "$1")
  shift
  nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" "$@"
}
apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/1/ns/net)" ]; }

# A namespace, held open by a process that sleeps. A client has a resolv.conf of its own.
namespace() {
  : > "$LAB_DIR/$1.resolv"
  # shellcheck disable=SC2016 # expanded by the shell inside
  unshare --net --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec sleep infinity' "$LAB_DIR/$1.resolv" &
  echo $! > "$LAB_DIR/$1.pid"
  await "namespace $1" apart $!
  await "resolv.conf of $1" in_net "$1" test -e "$LAB_DIR/www" -a /etc/resolv.conf -ef "$LAB_DIR/$1.resolv"
  in_net "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  in_net "$1" ip link set lo up
}

# Frames as they would be on a wire: no segment larger than the MTU, every checksum filled in.
as_on_a_wire() {
  in_net "$1" ethtool -K "$2" tx off tso off gso off gro off sg off > /dev/null 2>&1 || fail "ethtool -K $2 was refused"
}

# plug NAME MAC: a cable to the switch. Whatever enters the switch is mirrored, so every frame once.
plug() {
  in_net switch ip link add "to-$1" type veth peer name eth0 address "$2" netns "$(holder "$1")"
  in_net switch ip link set "to-$1" master bridge0 up
  in_net "$1" ip link set eth0 up
  as_on_a_wire switch "to-$1"
  as_on_a_wire "$1" eth0
  in_net switch tc qdisc add dev "to-$1" clsact
  # u32 with an empty condition: any kernel has it, which cannot be said of matchall.
  in_net switch tc filter add dev "to-$1" ingress protocol all u32 match u32 0 0 action mirred egress mirror dev mirror
}

unplug() {
  for name in gateway $LAB_CLIENTS; do in_net switch tc qdisc del dev "to-$name" clsact; done
}

wire() {
  for name in switch gateway $LAB_CLIENTS; do namespace "$name"; done
  in_net switch ip link add bridge0 type bridge stp_state 0 mcast_snooping 0
  in_net switch ip link set bridge0 up
  ip link add "$LAB_MIRROR" type veth peer name mirror netns "$(holder switch)"
  # The caller's network must not speak into the port: no address, no IPv6, no ARP.
  [ ! -e "/proc/sys/net/ipv6/conf/$LAB_MIRROR" ] || sysctl -qw "net.ipv6.conf.$LAB_MIRROR.disable_ipv6=1"
  in_net switch ip link set mirror arp off up
  ip link set "$LAB_MIRROR" arp off up
  as_on_a_wire switch mirror
  ethtool -K "$LAB_MIRROR" gro off > /dev/null 2>&1 || fail "ethtool -K $LAB_MIRROR was refused"
  plug gateway 02:cc:00:00:00:01
  n=7
  for name in $LAB_CLIENTS; do
    plug "$name" "02:cc:00:00:00:0$n"
    n=$((n + 1))
  done
  in_net gateway ip addr add 10.20.0.1/24 dev eth0
  echo "$LAB_NAMES" | while read -r address _; do
    [ -z "$address" ] || in_net gateway ip addr add "$address/32" dev lo
  done
}

serve() {
  echo "$LAB_NAMES" > "$LAB_DIR/hosts"
  cat > "$LAB_DIR/dnsmasq.conf" << END
no-resolv
no-hosts
no-ping
no-daemon
user=root
bind-interfaces
interface=eth0
except-interface=lo
addn-hosts=$LAB_DIR/hosts
local=/example/
domain=office.example
dhcp-authoritative
dhcp-range=10.20.0.100,10.20.0.150,255.255.255.0,36h
dhcp-option=3,10.20.0.1
dhcp-option=6,10.20.0.1
dhcp-leasefile=$LAB_DIR/leases
pid-file=$LAB_DIR/dnsmasq.pid
log-queries=extra
log-facility=$LAB_DIR/dnsmasq.log
END
  names=$(echo "$LAB_NAMES" | awk 'NF { print "DNS:" $2 }' | paste -sd , -)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 400 -subj '/CN=Lab Root/O=Lab' \
    -addext 'basicConstraints=critical,CA:TRUE' -keyout "$LAB_DIR/ca.key" -out "$LAB_DIR/ca.pem" 2> /dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=web.example/O=Lab' \
    -keyout "$LAB_DIR/web.key" -out "$LAB_DIR/web.csr" 2> /dev/null
  echo "subjectAltName=$names" > "$LAB_DIR/web.ext"
  openssl x509 -req -in "$LAB_DIR/web.csr" -CA "$LAB_DIR/ca.pem" -CAkey "$LAB_DIR/ca.key" -CAcreateserial -days 399 \
    -extfile "$LAB_DIR/web.ext" -out "$LAB_DIR/web.pem" 2> /dev/null
  cat > "$LAB_DIR/nginx.conf" << END
daemon off;
master_process off;
pid $LAB_DIR/nginx.pid;
error_log $LAB_DIR/nginx.error.log;
events { worker_connections 256; }
http {
  log_format lab escape=json '{"ip":"\$remote_addr","port":\$remote_port,"scheme":"\$scheme","method":"\$request_method",'
    '"host":"\$host","uri":"\$request_uri","status":\$status,"bytes":\$body_bytes_sent,"user_agent":"\$http_user_agent"}';
  access_log $LAB_DIR/access.log lab;
  client_body_temp_path $LAB_DIR/body;
  proxy_temp_path $LAB_DIR/proxy;
  fastcgi_temp_path $LAB_DIR/fastcgi;
  uwsgi_temp_path $LAB_DIR/uwsgi;
  scgi_temp_path $LAB_DIR/scgi;
  default_type application/octet-stream;
  types { text/html html; application/json json; text/plain txt; }
  server_tokens off;
  server {
    listen 80;
    listen 443 ssl;
    ssl_certificate $LAB_DIR/web.pem;
    ssl_certificate_key $LAB_DIR/web.key;
    root $LAB_DIR/www/\$host;
    index index.html;
  }
}
END
  # A front page for every name, of different lengths, so that there is something to browse.
  lines=4
  for name in $(echo "$LAB_NAMES" | awk 'NF { print $2 }'); do
    mkdir -p "$LAB_DIR/www/$name"
    {
      echo "<!doctype html><title>$name</title>"
      i=0
      while [ $i -lt $lines ]; do
        echo "<p>$name, paragraph $i: made for the lab, and read by nobody.</p>"
        i=$((i + 1))
      done
    } > "$LAB_DIR/www/$name/index.html"
    lines=$((lines + 2))
  done
  in_net gateway dnsmasq -C "$LAB_DIR/dnsmasq.conf" > "$LAB_DIR/dnsmasq.out" 2>&1 &
  in_net gateway nginx -e "$LAB_DIR/nginx.error.log" -c "$LAB_DIR/nginx.conf" > "$LAB_DIR/nginx.out" 2>&1 &
  await 'the web server' in_net gateway curl -s --max-time 1 -o /dev/null http://203.0.113.10/
  await 'the DNS server' grep -q 'started' "$LAB_DIR/dnsmasq.log"
  : > "$LAB_DIR/access.log"
}

inside() {
  # Read before /proc is ours: the pid by which the shell outside knows this process.
  read -r pid _ < /proc/self/stat
  echo "$pid" > "$LAB_DIR/pid"
  work=''
  trap 'stop_inside 143' TERM
  mount -t proc proc /proc
  [ -e /etc/resolv.conf ] || fail "/etc/resolv.conf is missing: clients' own would be mounted over it (create it)"
  mkdir "$LAB_DIR/www"
  wire
  serve
  exec 3<&0
  "$@" <&3 3<&- &
  work=$!
  code=0
  wait "$work" || code=$?
  ip link del "$LAB_MIRROR" || true
  exit "$code"
}
stop_inside() {
  trap '' TERM
  if [ -n "$work" ]; then
    kill -TERM "$work" 2> /dev/null || true
    wait "$work" 2> /dev/null || true
  fi
  ip link del "$LAB_MIRROR" 2> /dev/null || true
  exit "$1"
}

# ---- for COMMAND ------------------------------------------------------------------------------------------------------
known() {
  [ -n "${LAB_DIR:-}" ] || fail "no lab here (this is for what lab.sh run has started)"
  case " $LAB_CLIENTS " in
    *" $1 "*) ;;
    *) fail "no client '$1' (there are $LAB_CLIENTS)" ;;
  esac
}

# dhclient asks, remembers and configures; then it is ended, for nothing here lasts as long as a lease.
dhcp() {
  cat > "$LAB_DIR/$1.dhclient.conf" << END
send host-name "$1";
request subnet-mask, routers, domain-name-servers, domain-name;
initial-interval 1;
timeout 10;
END
  cat > "$LAB_DIR/$1.dhclient.sh" << END
#!/bin/sh
case \$reason in
  BOUND | RENEW | REBIND | REBOOT)
    ip addr replace "\$new_ip_address/24" dev "\$interface"
    ip route replace default via "\$new_routers"
    echo "nameserver \$new_domain_name_servers" > /etc/resolv.conf
    ;;
esac
END
  chmod +x "$LAB_DIR/$1.dhclient.sh"
  rm -f "$LAB_DIR/$1.dhclient.pid"
  in_net "$1" dhclient -1 -4 -cf "$LAB_DIR/$1.dhclient.conf" -lf "$LAB_DIR/$1.leases" -pf "$LAB_DIR/$1.dhclient.pid" \
    -sf "$LAB_DIR/$1.dhclient.sh" eth0 > "$LAB_DIR/$1.dhclient.out" 2>&1 || fail "$1 got no address by DHCP"
  await "dhclient of $1 in the background" test -s "$LAB_DIR/$1.dhclient.pid"
  kill "$(cat "$LAB_DIR/$1.dhclient.pid")" 2> /dev/null || true
}

LAB=$(realpath "$0")
verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
  check) check ;;
  run) run "$@" ;;
  inside) inside "$@" ;;
  client)
    known "${1:-}"
    in_net "$@"
    ;;
  dhcp)
    known "${1:-}"
    dhcp "$1"
    ;;
  unplug) unplug ;;
  *)
    sed -n '/^#   lab.sh/s/^#   //p' "$0" >&2
    exit 2
    ;;
esac
