# Sourced by a captures/make.sh whose clients read mail, after captures.sh: Dovecot at 198.51.100.2 with one mail of alice
# (password secret), and what starts and stops a capture. $protocol and $port say what it speaks.
chmod 755 "$work"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=mail.example.test 2> /dev/null
mkdir -p run mail/alice/new mail/alice/cur mail/alice/tmp
{
  printf 'From: bob@example.org\nTo: alice@example.test\nSubject: two parts\nMIME-Version: 1.0\n'
  printf 'Content-Type: multipart/mixed; boundary=cut\n\n--cut\n\nSee the file.\n--cut\n'
  printf 'Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n'
  printf 'PK\003\004 not really an archive' | base64
  printf '%s\n' --cut--
} > mail/alice/new/1.mail
echo 'alice:{PLAIN}secret::::::' > users
chown -R mail: mail
cat > dovecot.conf << END
base_dir = $work/run
log_path = $work/log
protocols = $protocol
listen = 198.51.100.2
ssl = yes
ssl_cert = <$work/cert.pem
ssl_key = <$work/key.pem
disable_plaintext_auth = no
mail_location = maildir:$work/mail/%u
first_valid_uid = 1
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = $work/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$work/mail/%u
}
END
dovecot -F -c "$work/dovecot.conf" &
server=$!
sleep 2

capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" tcp port "$port" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
get() { curl -s -o /dev/null --interface 192.0.2.1 -m 10 "$@" || true; }
