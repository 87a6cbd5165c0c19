#!/usr/bin/env bash
# Checks the unit files with Debian's systemd: they parse without a word, and the exposure score stays at 1.2 or below.
set -euo pipefail
cd "$(dirname "$0")"
command -v systemd-analyze >/dev/null || { echo "systemd-analyze not found: install the package systemd"; exit 1; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# verify wants the program of ExecStart to exist; any executable will do.
sed "s|^ExecStart=/usr/bin/talkrelay|ExecStart=$(command -v true)|" talkrelay.service > "$dir/talkrelay.service"
cp talkrelay.socket "$dir/"
complaints=$(systemd-analyze verify "$dir/talkrelay.service" "$dir/talkrelay.socket" 2>&1) || { echo "$complaints"; exit 1; }
[ -z "$complaints" ] || { echo "systemd-analyze verify: $complaints"; exit 1; }
echo "verify: clean"

systemd-analyze security --offline=true --threshold=12 "$dir/talkrelay.service" | tail -n 1
