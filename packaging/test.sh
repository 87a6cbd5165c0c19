#!/usr/bin/env bash
# Installs the Debian package in a clean Debian made by debootstrap, upgrades it, and removes it: the unit verifies, the
# program runs, an edited config and the state stay. Needs root, debootstrap and a Debian mirror: packaging/test.sh [SUITE]
# Some minutes, most of them for the Debian. BASE=DIR copies one that debootstrap has made already, with systemd in it.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-bookworm}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

say() { printf '%s\n' "-- $*"; }
say "a clean Debian ($suite)"
if [ -n "${BASE:-}" ]; then cp -a "$BASE" "$dir/root"; else
  debootstrap --variant=minbase --include=systemd "$suite" "$dir/root" > "$dir/log" 2>&1 || { tail -3 "$dir/log"; echo "debootstrap failed: no mirror?"; exit 75; }
fi
inside() { chroot "$dir/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
package() { # VERSION: builds it and installs it
  packaging/build.sh "$1" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
  cp dist/talkrelay_"$1"_*.deb "$dir/root/talkrelay.deb"
  inside dpkg -i --force-confdef /talkrelay.deb > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
}

say "install"
package 0.0.1
inside talkrelay version | grep -F 0.0.1
out=$(inside systemd-analyze verify /usr/lib/systemd/system/talkrelay.service /usr/lib/systemd/system/talkrelay.socket 2>&1) || { echo "$out"; exit 1; }
[ -z "$out" ] || { echo "systemd-analyze verify: $out"; exit 1; }
[ "$(inside stat -c %a /etc/talkrelay/credentials)" = 700 ] || { echo "the credentials' directory is open to others"; exit 1; }
inside sh -c 'test -s /usr/share/man/man1/talkrelay.1.gz && test -s /usr/share/bash-completion/completions/talkrelay'
inside talkrelay demo --for 1s --page /tmp/demo.html | tail -2

say "upgrade over an edited config"
echo '# edited by hand' >> "$dir/root/etc/talkrelay/talkrelay.toml"
mkdir -p "$dir/root/var/lib/private/talkrelay" && echo state > "$dir/root/var/lib/private/talkrelay/talkrelay.db"
package 0.0.2
inside talkrelay version | grep -F 0.0.2
grep -q 'edited by hand' "$dir/root/etc/talkrelay/talkrelay.toml" || { echo "the upgrade overwrote the config"; exit 1; }

say "remove"
inside dpkg -r talkrelay > /dev/null
[ ! -e "$dir/root/usr/bin/talkrelay" ] || { echo "the program is still there"; exit 1; }
grep -q 'edited by hand' "$dir/root/etc/talkrelay/talkrelay.toml" || { echo "removing took the config"; exit 1; }
grep -q state "$dir/root/var/lib/private/talkrelay/talkrelay.db" || { echo "removing took the state"; exit 1; }
say "good"
