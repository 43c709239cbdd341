#!/bin/bash
# Makes the captures of this folder anew: curl fetches mail from Dovecot over the loopback of a network namespace of their
# own. Needs root, dovecot-pop3d, curl, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
protocol=pop3 port=110
. "$units/dovecot.sh"

capture fetch
get --user alice:secret pop3://198.51.100.2/1
get --user alice:wrong pop3://198.51.100.2/1
stop
capture stls
get --ssl-reqd -k --user alice:secret pop3://198.51.100.2/1
stop
