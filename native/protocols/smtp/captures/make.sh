#!/bin/bash
# Makes the captures of this folder anew: swaks and exim send mail to exim over the loopback of a network namespace of
# their own. Needs root, exim4-daemon-light, swaks, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
mkdir spool spool_client log
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=mail.example.test 2> /dev/null
chmod 644 key.pem
chown -R Debian-exim "$work"
chmod 755 "$work"

config() { # spool folder, the rest: lines of the main section; then what routes and delivers comes from stdin
  printf '%s\n' "spool_directory = $work/$1" "log_file_path = $work/log/%slog" 'primary_hostname = mail.example.test' \
    'exim_user = Debian-exim' 'never_users =' 'host_lookup =' 'rfc1413_query_timeout = 0s' 'keep_environment =' \
    'acl_smtp_rcpt = accept' "${@:2}"
  cat
}
config spool 'tls_advertise_hosts = *' "tls_certificate = $work/cert.pem" "tls_privatekey = $work/key.pem" \
  'chunking_advertise_hosts = *' > server.conf << 'END'
acl_smtp_data = accept
begin acl
accept:
  accept
begin routers
drop:
  driver = redirect
  data = :blackhole:
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if eq{$auth3}{secret}}
  server_advertise_condition = yes
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if eq{$auth2}{secret}}
  server_advertise_condition = yes
END
config spool_client > client.conf << 'END'
begin acl
accept:
  accept
begin routers
out:
  driver = manualroute
  route_list = * 198.51.100.2 byname
  transport = smtp
  self = send
begin transports
smtp:
  driver = smtp
  interface = 192.0.2.1
  hosts_avoid_tls = *
END
exim4 -C "$work/server.conf" -bdf -oX 198.51.100.2.25 > /dev/null 2>&1 &
server=$!
sleep 2

capture() { # name
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" tcp port 25 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
}
mail() { # the rest: options of swaks
  swaks --server 198.51.100.2 --local-interface 192.0.2.1 --helo client.example.test --from alice@example.test \
    --to bob@example.org,carol@example.org --header 'Message-Id: <1@example.test>' "$@" > swaks.log 2>&1 || true
}

capture plain
mail --header 'Subject: a letter' --body 'See http://files.example/a?b=c and reply.'
stop
capture attachments
printf 'PK\003\004 not really an archive' > report.zip
seq 1 300 > numbers.txt
mail --header 'Subject: two files' --body 'See https://files.example/two.' --attach-type application/zip \
  --attach-name 'report of may.zip' --attach @report.zip --attach-type text/plain --attach @numbers.txt
stop
capture auth
mail --auth PLAIN --auth-user alice --auth-password wrong
mail --auth LOGIN --auth-user alice --auth-password secret --header 'Subject: after a login' --body short
stop
capture starttls
mail --tls --header 'Subject: nobody sees this' --body secret
stop
capture pipelined
mail --pipeline --header 'Subject: no waiting' --body '.a line that begins with a period'
stop
capture chunks
{
  printf 'From: alice@example.test\nTo: bob@example.org\nSubject: in chunks\n\n'
  seq 1 3000
} | exim4 -C "$work/client.conf" -odi -f alice@example.test bob@example.org
stop
