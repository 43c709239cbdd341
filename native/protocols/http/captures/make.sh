#!/bin/bash
# Makes the captures of this folder anew: curl asks nginx over the loopback of a network namespace of its own. Needs
# root, nginx, curl, brotli, tcpdump, iproute2, python3 (with pip, whose launcher stub is the executable that is
# downloaded).
#
#   sudo ./make.sh [FOLDER]
set -eu
if [ "${IN_NAMESPACE:-}" != 1 ]; then
  IN_NAMESPACE=1 exec unshare --net "$0" "$@"
fi
out=$(realpath "${1:-$(dirname "$0")}")
work=$(mktemp -d)
finish() {
  [ ! -s "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")" 2> /dev/null || true
  [ -z "${proxy:-}" ] || kill "$proxy" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.80/32 dev lo

mkdir www temp
for i in $(seq 1 200); do echo "<p>line $i of a page</p>"; done > lines
{ echo '<!DOCTYPE html><title>page</title>'; cat lines; } > www/page.html
gzip -n9 < www/page.html > www/page.gz
brotli -q 9 < www/page.html > www/page.br
python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.compress(open("www/page.html", "rb").read()))' > www/page.zlib
python3 -c 'import sys, zlib; c = zlib.compressobj(9, 8, -15); sys.stdout.buffer.write(c.compress(open("www/page.html", "rb").read()) + c.flush())' > www/page.raw
echo '{"a": [1, 2, 3], "b": true}' > www/data.json
seq 1 3000 > www/numbers.txt
cp "$(python3 -c 'import pip._vendor.distlib as d, os; print(os.path.dirname(d.__file__))')/t32.exe" www/setup.exe

cat > nginx.conf << EOF
pid $work/nginx.pid;
error_log $work/error.log;
worker_processes 1;
daemon on;
user root;
events { worker_connections 64; }
http {
  access_log off;
  default_type application/octet-stream;
  types { text/html html; application/json json; text/plain txt; application/x-msdownload exe; }
  client_body_temp_path temp/body; proxy_temp_path temp/proxy; fastcgi_temp_path temp/fcgi;
  uwsgi_temp_path temp/uwsgi; scgi_temp_path temp/scgi;
  server {
    listen 192.0.2.80:80;
    root $work/www;
    location = /zipped.html { gzip on; gzip_types text/html; gzip_min_length 1; alias $work/www/page.html; }
    location = /brotli { alias $work/www/page.br; default_type text/html; add_header Content-Encoding br; }
    location = /deflate { alias $work/www/page.zlib; default_type text/html; add_header Content-Encoding deflate; }
    location = /raw { alias $work/www/page.raw; default_type text/html; add_header Content-Encoding deflate; }
    location /files/ { alias $work/www/; dav_methods PUT DELETE MKCOL MOVE; client_body_in_file_only off; }
    location /moved { return 302 /page.html; }
    location /form { client_max_body_size 1m; proxy_pass http://192.0.2.80:81/; proxy_set_header X-Forwarded-For \$remote_addr; }
    location = /download { add_header Content-Disposition 'attachment; filename="invoice.pdf.exe"'; try_files /setup.exe =404; }
  }
  server { listen 192.0.2.80:81; location / { return 200 "thanks for the form\n"; } }
}
EOF
nginx -p "$work" -c "$work/nginx.conf"

capture() { # name: until the next stop
  tcpdump -i lo -U -s 0 -w "$out/$1.pcap" "${2:-tcp port 80}" 2> /dev/null &
  tap=$!
  sleep 1
}
stop() {
  sleep 1
  kill "$tap"
  wait "$tap" 2> /dev/null || true
}
get() { curl -s --interface 192.0.2.1 "$@" > /dev/null || true; }
site=http://192.0.2.80

capture plain # one connection: a page, a head, what has not changed, what is not there, where it moved to
etag=$(curl -sI --interface 192.0.2.1 $site/page.html | sed -n 's/^ETag: \(.*\)\r$/\1/p')
get $site/page.html --next --interface 192.0.2.1 -I $site/page.html --next --interface 192.0.2.1 -H "If-None-Match: $etag" $site/page.html \
  --next --interface 192.0.2.1 -u alice:secret $site/none --next --interface 192.0.2.1 $site/moved --next --interface 192.0.2.1 $site/data.json
stop

capture coded # gzip in chunks, brotli, deflate with and without its wrapper
get --compressed $site/zipped.html $site/brotli $site/deflate $site/raw
stop

capture upload # a form with two files, a file by PUT, the same deleted
printf 'notes about nothing in particular\n' > notes.txt
get -F 'title=two files' -F "a=@notes.txt" -F "b=@www/data.json;filename=b%20c.json" $site/form
get -T notes.txt $site/files/notes.txt
get -X DELETE $site/files/notes.txt
get -H 'Transfer-Encoding: chunked' -T notes.txt $site/files/notes2.txt
get -H 'Expect: 100-continue' -d @www/numbers.txt $site/form
stop

capture ranges # parts one after another, several parts in one answer, parts over connections at once
get -r 0-4999 $site/numbers.txt --next --interface 192.0.2.1 -r 5000-9999 $site/numbers.txt \
  --next --interface 192.0.2.1 -r 10000- $site/numbers.txt
get -r 0-99,500-599 $site/page.html
get -r 100-199 $site/data.json
get -r 20-27 $site/data.json & get -r 0-9 $site/data.json & get -r 10-19 $site/data.json
wait %2 %3 2> /dev/null || true
stop

capture executable # a Windows program under another name
get $site/download
stop

raw() { # lines as they are, on one connection
  python3 - "$1" << 'EOF'
import socket, sys, time
s = socket.socket()
s.bind(("192.0.2.1", 0))
s.connect(("192.0.2.80", 80))
s.sendall(sys.argv[1].encode().decode("unicode_escape").encode("latin-1"))
s.settimeout(2)
try:
    while s.recv(65536):
        pass
except OSError:
    pass
s.close()
EOF
}
capture pipelined # five requests in one segment, a head among them
raw 'GET /data.json HTTP/1.1\r\nHost: a\r\n\r\nHEAD /page.html HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /moved HTTP/1.1\r\nHost: a\r\n\r\nGET /data.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
stop

capture old # HTTP/0.9, HTTP/1.0, and lines that nginx refuses
raw 'GET /data.json\r\n'
raw 'GET /data.json HTTP/1.0\r\n\r\n'
raw 'GET /data.json HTTP/1.1\r\n\r\n'
raw 'G\\x01T / HTTP/1.1\r\n\r\n'
stop

cat > proxy.py << 'EOF'
# As much of a proxy as CONNECT needs.
import socket, threading
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("192.0.2.80", 3128))
listener.listen()
while True:
    client, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(65536)
    host, port = head.split()[1].decode().split(":")
    server = socket.create_connection((host, int(port)))
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
EOF
python3 proxy.py 2> /dev/null &
proxy=$!
sleep 1
capture connect 'tcp port 3128' # HTTP within a tunnel of HTTP
get --proxytunnel -x 192.0.2.80:3128 $site/page.html
stop
