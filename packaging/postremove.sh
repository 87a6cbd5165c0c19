#!/bin/sh
# The state and the keys stay: they are the customer's. Purge them by hand: rm -r /var/lib/private/talkrelay /etc/talkrelay
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
