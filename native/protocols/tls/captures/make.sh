#!/bin/sh
# Makes the captures of this folder anew: OpenSSL, nginx, curl and Python talking TLS over the loopback of a network
# namespace of their own. Needs root (or a user namespace), openssl 3, tcpdump, nginx, curl, python3. Keys are made for
# the run and thrown away.
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
ip link set lo up
ip link set lo mtu 1500
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A certificate authority, a server with names, a client; elliptic keys keep the captures small.
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2> /dev/null; }
key ca.key && key server.key && key client.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2> /dev/null
openssl req -new -x509 -key ca.key -days 3650 -subj '/C=XX/O=Example, Ltd/CN=Example Root' -out ca.pem
sign() { # name, subject, extensions
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  printf '%s\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "$4" -days 3650 -extfile "$1.ext" -out "$1.pem" 2> /dev/null
}
sign server '/O=Example, Ltd/CN=www.example.test' \
  'subjectAltName=DNS:www.example.test,DNS:*.cdn.example.test,IP:127.0.0.1,email:admin@example.test,URI:https://example.test/
basicConstraints=CA:FALSE' 0x01ab
sign client '/O=Example, Ltd/OU=#1 \+ more/CN=client' 'basicConstraints=CA:FALSE' 0x02
sign rsa '/CN=*.example.test' 'basicConstraints=CA:FALSE' 0x7f

capture() { # name, port: until the next stop
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "port $2" 2> /dev/null &
  dump=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$dump" && wait "$dump" 2> /dev/null || true
  for pid in "$@"; do kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null || true; done
}
serve() { # port, options of s_server
  port=$1
  shift
  openssl s_server -quiet -accept "$port" -cert server.pem -key server.key -CAfile ca.pem -cert_chain ca.pem "$@" > /dev/null 2>&1 < /dev/null &
  server=$!
  sleep 1
}
ask() { # port, options of s_client
  port=$1
  shift
  (printf 'hello\n'; sleep 1) | openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem "$@" > /dev/null 2>&1 || true
}

serve 4412 -tls1_2 -alpn h2
capture tls12 4412
ask 4412 -tls1_2 -servername www.example.test -alpn h2,http/1.1
stop "$server"

serve 4413 -tls1_3
capture tls13 4413
ask 4413 -tls1_3 -servername a.cdn.example.test
stop "$server"

serve 4414 -tls1_3 -groups P-384
capture tls13_retry 4414
ask 4414 -tls1_3 -groups X25519:P-384 -servername www.example.test
stop "$server"

serve 4415 -tls1_2
capture tls12_resumed 4415
ask 4415 -tls1_2 -sess_out session.pem
ask 4415 -tls1_2 -sess_in session.pem
stop "$server"

serve 4416 -tls1_3
capture tls13_resumed 4416
ask 4416 -tls1_3 -sess_out session13.pem
ask 4416 -tls1_3 -sess_in session13.pem
stop "$server"

serve 4417 -tls1_2 -Verify 2
capture client_certificate 4417
ask 4417 -tls1_2 -cert client.pem -key client.key
stop "$server"

serve 4418 -tls1_3
capture alert 4418
ask 4418 -tls1_2
stop "$server"

openssl s_server -quiet -accept 4410 -cert rsa.pem -key rsa.key -tls1 -cipher 'AES128-SHA:@SECLEVEL=0' > /dev/null 2>&1 < /dev/null &
server=$!
sleep 1
capture tls10 4410
ask 4410 -tls1 -cipher 'AES128-SHA:@SECLEVEL=0' -servername WWW.example.test
stop "$server"

serve 4419 -dtls1_2 -listen -mtu 400
capture dtls12 4419
ask 4419 -dtls1_2 -mtu 400 -servername www.example.test
stop "$server"

# nginx with a stapled OCSP response, asked by curl over TLS 1.2.
touch index.txt
printf 'V\t330101000000Z\t\t01AB\tunknown\t/O=Example, Ltd/CN=www.example.test\n' > index.txt
openssl ocsp -issuer ca.pem -cert server.pem -reqout ocsp.req > /dev/null 2>&1
openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 3650 -reqin ocsp.req -respout ocsp.der > /dev/null 2>&1
cat server.pem ca.pem > chain.pem
cat > nginx.conf << EOF
user root; worker_processes 1; daemon off; error_log stderr crit; pid $work/nginx.pid;
events { worker_connections 16; }
http {
  access_log off;
  server {
    listen 4443 ssl http2; ssl_certificate $work/chain.pem; ssl_certificate_key $work/server.key;
    ssl_protocols TLSv1.2; ssl_stapling on; ssl_stapling_file $work/ocsp.der;
    location / { return 200 'hello'; }
  }
}
EOF
nginx -p "$work" -c "$work/nginx.conf" 2> /dev/null &
server=$!
sleep 1
capture stapled 4443
curl -s --http2 --cacert ca.pem --cert-status --resolve www.example.test:4443:127.0.0.1 https://www.example.test:4443/ > /dev/null
stop "$server"

# SMTP that becomes TLS: the hello is in the middle of the stream.
cat > smtp.py << 'EOF'
import smtplib, socket, ssl, threading
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain('chain.pem', 'server.key')
client = ssl.create_default_context(cafile='ca.pem')
listener = socket.create_server(('127.0.0.1', 4425))
def serve():
    s, _ = listener.accept()
    s.sendall(b'220 mail.example.test ESMTP\r\n')
    while True:
        line = s.recv(1000)
        if not line: break
        if line.upper().startswith(b'EHLO'): s.sendall(b'250-mail.example.test\r\n250 STARTTLS\r\n')
        elif line.upper().startswith(b'STARTTLS'):
            s.sendall(b'220 go ahead\r\n')
            s = server.wrap_socket(s, server_side=True)
        elif line.upper().startswith(b'QUIT'):
            s.sendall(b'221 bye\r\n')
            break
        else: s.sendall(b'250 ok\r\n')
    s.close()
t = threading.Thread(target=serve)
t.start()
with smtplib.SMTP('127.0.0.1', 4425, 'client.example.test') as c:
    c._host = 'www.example.test'
    c.starttls(context=client)
    c.noop()
t.join()
EOF
capture starttls 4425
python3 smtp.py
stop
