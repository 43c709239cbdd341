#!/bin/bash
# Makes the captures of this folder anew: a client and a server of Python's websockets talk over the loopback of a network
# namespace of their own. Needs root, python3-websockets, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
ip link set lo mtu 1500 up
ip addr add 192.0.2.1/32 dev lo
ip addr add 198.51.100.2/32 dev lo
cat > server.py << 'END'
import asyncio, websockets
async def echo(ws):
    async for message in ws:
        await ws.send(message)
async def main():
    async with websockets.serve(echo, "198.51.100.2", 8080, subprotocols=["chat"]):
        await asyncio.Future()
asyncio.run(main())
END
cat > client.py << 'END'
import asyncio, sys, websockets
async def main():
    uri = "ws://198.51.100.2:8080/room?id=7"
    async with websockets.connect(uri, subprotocols=["chat", "news"], local_addr=("192.0.2.1", 0)) as ws:
        await ws.send("hello")
        await ws.recv()
asyncio.run(main())
END
/usr/bin/python3 server.py &
server=$!
sleep 2
tcpdump -i lo -U -s 0 -w "$out/chat.pcap" tcp port 8080 2> /dev/null &
dump=$!
sleep 1
/usr/bin/python3 client.py
sleep 1
kill "$dump" && wait "$dump" 2> /dev/null || true
