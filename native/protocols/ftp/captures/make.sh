#!/bin/bash
# Makes the captures of this folder anew: curl and lftp talk to vsftpd over the loopback of a network namespace of their
# own. Needs root, vsftpd, curl, lftp, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
ip -6 addr add 2001:db8::2/128 dev lo

mkdir -p root/pub root/in empty
chmod 755 root root/pub "$work"
chmod 777 root/in
seq 1 400 > root/pub/numbers.txt
printf 'PK\003\004 not really an archive' > root/pub/small.zip
seq 1 500 > upload.txt
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=ftp.example.test 2> /dev/null

serve() { # the rest: lines of the configuration
  {
    printf '%s\n' listen_ipv6=YES background=NO anonymous_enable=YES local_enable=NO write_enable=YES \
      anon_upload_enable=YES anon_other_write_enable=YES anon_umask=022 anon_root="$work/root" secure_chroot_dir="$work/empty" ftp_username=daemon \
      seccomp_sandbox=NO allow_writeable_chroot=YES no_anon_password=NO ftpd_banner="example.test FTP"
    printf '%s\n' "$@"
  } > vsftpd.conf
  vsftpd ./vsftpd.conf > /dev/null 2>&1 &
  server=$!
  sleep 1
}
unserve() {
  kill "$server" && wait "$server" 2> /dev/null || true
  server=
}
capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" tcp 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
get() { curl -s -o /dev/null --interface 192.0.2.1 "$@" || true; }

serve
capture passive
get --user anonymous:guest@example.test --disable-epsv ftp://198.51.100.2/pub/numbers.txt
get ftp://198.51.100.2/pub/small.zip
get --user alice:wrong ftp://198.51.100.2/pub/numbers.txt
stop
capture active
get --ftp-port 192.0.2.1 --disable-eprt ftp://198.51.100.2/pub/numbers.txt
get --ftp-port 192.0.2.1 -T upload.txt ftp://198.51.100.2/in/upload.txt
get --ftp-port 192.0.2.1 -Q '-DELE in/upload.txt' ftp://198.51.100.2/
stop
capture ipv6
curl -s -o /dev/null 'ftp://[2001:db8::2]/pub/numbers.txt' || true
stop
capture lftp
lftp -c 'set net:timeout 3; set net:max-retries 1; open ftp://198.51.100.2; cd pub; ls; get numbers.txt -o /dev/null; rm none' > /dev/null 2>&1 || true
stop
unserve

serve listen_port=8021
capture other_port
get ftp://198.51.100.2:8021/pub/numbers.txt
stop
unserve

serve ssl_enable=YES allow_anon_ssl=YES rsa_cert_file="$work/cert.pem" rsa_private_key_file="$work/key.pem"
capture tls
get --ssl-reqd -k ftp://198.51.100.2/pub/numbers.txt
stop
unserve
