#!/bin/sh
# The service is not enabled: it wants its keys first. One that runs goes on with the new program.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
systemctl try-restart talkrelay.service || true
