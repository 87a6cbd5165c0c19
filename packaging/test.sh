#!/usr/bin/env bash
# Installs the packages in a clean Debian made by debootstrap, upgrades and removes them: the unit verifies, the program
# runs, an edited config, the keys and the state stay, and systemd is told what it must know and nothing else.
#
#   packaging/test.sh [SUITE]       BASE=DIR copies a Debian that debootstrap has made already, with systemd in it
#
# Needs root, Go, debootstrap and a Debian mirror; for the .rpm also rpm, else that part is left out with a word. Some
# minutes. Exits 75 where no Debian can be made.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-bookworm}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

root=$dir/root
etc=$root/etc/talkrelay
say() { printf '%s\n' "-- $*"; }
fail() { echo "$*"; exit 1; }
quiet() { "$@" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }

# build makes 0.0.1, and 0.0.2 of the same program with another example config.
build() {
  quiet packaging/build.sh 0.0.1
  cp dist/talkrelay[_-]0.0.1* "$dir/"
  sed '$a # new in 0.0.2' config.toml.example > "$dir/example"
  sed "s|src: config.toml.example, dst: /etc|src: $dir/example, dst: /etc|" packaging/nfpm.yaml > "$dir/nfpm.yaml"
  local format
  for format in deb rpm; do
    VERSION=0.0.2 GOARCH=$(go env GOARCH) quiet "$(go env GOPATH)/bin/nfpm" package --config "$dir/nfpm.yaml" --packager $format --target "$dir/"
  done
}

# told compares what systemctl was asked since the last time.
told() {
  local have
  have=$(cat "$root/systemctl.log" 2>/dev/null || true)
  : > "$root/systemctl.log"
  [ "$have" = "$1" ] || fail "systemctl was asked: ${have:-nothing}; want: $1"
}

deb() { cp "$dir"/talkrelay_"$1"_*.deb "$root/talkrelay.deb" && quiet inside dpkg -i --force-confdef /talkrelay.deb; }
redhat() { quiet rpm --root "$root" --force-debian --nodeps "$@"; }

# works looks at what is installed.
works() {
  inside talkrelay version | grep -F 0.0.1
  local out
  # There are no man pages in so small a Debian to check the units' references with.
  out=$(inside systemd-analyze verify --man=no /usr/lib/systemd/system/talkrelay.{service,socket} 2>&1) || fail "systemd-analyze verify: $out"
  [ -z "$out" ] || fail "systemd-analyze verify: $out"
  [ "$(stat -c %a "$etc/credentials")" = 700 ] || fail "the credentials' directory is open to others"
  [ "$(stat -c %a "$etc/talkrelay.toml")" = 644 ] || fail "the service's user may not read the config"
  local file
  for file in man/man1/talkrelay.1.gz bash-completion/completions/talkrelay zsh/vendor-completions/_talkrelay fish/vendor_completions.d/talkrelay.fish; do
    [ -s "$root/usr/share/$file" ] || fail "no $file"
  done
  links
  inside talkrelay demo --for 1s --page /tmp/demo.html | tail -n 2
}

# links follows the links of the documents from one to another.
links() {
  local page link
  while read -r page; do
    for link in $(grep -oE '\]\([^):#]+[)#]' "$page" | sed 's|..\(.*\).|\1|' | sort -u); do
      [ -s "$(dirname "$page")/$link" ] || fail "${page#"$root"} points at $link, which is not installed"
    done
  done < <(find "$root/usr/share/doc/talkrelay" -name '*.md')
}

# owned is what the customer has by the time of an upgrade.
owned() {
  echo '# edited by hand' >> "$etc/talkrelay.toml"
  echo secret > "$etc/credentials/slack_token"
  mkdir -p "$root/var/lib/private/talkrelay" && echo state > "$root/var/lib/private/talkrelay/talkrelay.db"
}

# kept CONFIG: all of that is still there, the config by that name.
kept() {
  grep -q 'edited by hand' "$etc/$1" || fail "the config is gone"
  grep -q secret "$etc/credentials/slack_token" || fail "a key is gone"
  grep -q state "$root/var/lib/private/talkrelay/talkrelay.db" || fail "the state is gone"
}

# gone: the program is, so a new start is as on a new machine.
gone() {
  [ ! -e "$root/usr/bin/talkrelay" ] && [ ! -e "$root/usr/lib/systemd/system/talkrelay.service" ] || fail "the program is still there"
  rm -rf "$etc" "$root/var/lib/private/talkrelay"
}

say "a clean Debian ($suite)"
if [ -n "${BASE:-}" ]; then cp -a "$BASE" "$root"; else
  # Nobody minds a power cut here.
  mkdir -p "$root/etc/dpkg/dpkg.cfg.d" && echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/unsafe"
  timeout 600 debootstrap --variant=minbase --include=systemd "$suite" "$root" > "$dir/log" 2>&1 || { tail -n 3 "$dir/log"; echo "debootstrap failed: no mirror?"; exit 75; }
fi
say "build"
build
# A systemd seems to run, and writes down what it is asked.
mkdir -p "$root/run/systemd/system"
printf '#!/bin/sh\necho "$*" >> /systemctl.log\n' > "$root/usr/bin/systemctl"
reload='daemon-reload' restart=$'daemon-reload\ntry-restart talkrelay.service' disable='disable --now talkrelay.socket talkrelay.service'

say ".deb: install"
deb 0.0.1
told "$restart"
works
say ".deb: upgrade over an untouched config"
deb 0.0.2
told "$reload"$'\n'"$restart"
grep -q 'new in 0.0.2' "$etc/talkrelay.toml" || fail "the new example is not in place"
say ".deb: upgrade over an edited config"
deb 0.0.1
told "$reload"$'\n'"$restart"
owned
deb 0.0.2
kept talkrelay.toml
told "$reload"$'\n'"$restart"
say ".deb: remove"
inside dpkg -r talkrelay > /dev/null
told "$disable"$'\n'"$reload"
kept talkrelay.toml
gone

command -v rpm > /dev/null || { say "no rpm here: the .rpm was not tried"; say "good"; exit 0; }
say ".rpm: install"
redhat -i "$dir"/talkrelay-0.0.1*.rpm
told "$restart"
works
say ".rpm: upgrade over an edited config"
owned
redhat -U "$dir"/talkrelay-0.0.2*.rpm
kept talkrelay.toml
told "$restart"$'\n'"$reload"
say ".rpm: remove"
redhat -e talkrelay
told "$disable"$'\n'"$reload"
kept talkrelay.toml.rpmsave # as rpm has it
gone
say "good"
