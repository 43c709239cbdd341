#!/bin/bash
# Makes the captures of this folder anew: curl fetches and stores mail at Dovecot over the loopback of a network namespace of their
# own. Needs root, dovecot-imapd, curl, openssl, tcpdump, iproute2.
#
#   sudo ./make.sh [FOLDER]
. "$(dirname "$0")/../../captures.sh"
protocol=imap port=143
. "$units/dovecot.sh"

capture fetch
get --user alice:secret "imap://198.51.100.2/INBOX;MAILINDEX=1"
get --user alice:wrong imap://198.51.100.2/
stop
capture append
printf 'From: alice@example.test\r\nSubject: kept\r\n\r\nA draft.\r\n' > draft
get --user alice:secret -T draft imap://198.51.100.2/INBOX
get --user alice:secret imap://198.51.100.2/INBOX -X 'SEARCH ALL'
stop
capture starttls
get --user alice:secret --ssl-reqd -k "imap://198.51.100.2/INBOX;MAILINDEX=1"
stop
