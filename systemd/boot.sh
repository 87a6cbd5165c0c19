#!/usr/bin/env bash
# Boots the systemd of this machine as PID 1 of namespaces of its own, over an overlay of the root file system, and
# stays in the foreground. The machine's disk and services are untouched; the network is the machine's own.
#
#   systemd/boot.sh BINARY ETC     installs BINARY, the units and the directory ETC as /etc/talkrelay, then boots
#
# Needs root, and a kernel that allows overlay mounts and namespaces. Ends when it is killed.
set -euo pipefail
if [ "${1:-}" != --inside ]; then
  exec unshare --mount --uts --ipc --pid --fork --cgroup bash "$0" --inside "$(realpath "$1")" "$(realpath "$2")" "$(dirname "$(realpath "$0")")"
fi
binary=$2 etc=$3 units=$4

mount --make-rprivate /
o=$(mktemp -d)
mount -t tmpfs t "$o"
mkdir "$o"/{u,w,m}
r=$o/m
mount -t overlay o -o "lowerdir=/,upperdir=$o/u,workdir=$o/w" "$r"
mount -t proc p "$r/proc"
mount -t sysfs s "$r/sys"
mount -t cgroup2 c "$r/sys/fs/cgroup"
mount -t bpf b "$r/sys/fs/bpf" || true
mount -t tmpfs -o mode=755 r "$r/run"
mkdir -p "$o/etc" && cp -a "$etc/." "$o/etc/"
install -m 755 "$binary" "$r/usr/bin/talkrelay"
mount -t tmpfs t "$r/tmp"
mount --rbind /dev "$r/dev"
rm -rf "$r/etc/talkrelay" && mkdir -p "$r/etc/talkrelay" && cp -a "$o/etc/." "$r/etc/talkrelay/"
install -m 644 "$units"/talkrelay.service "$units"/talkrelay.socket "$r/etc/systemd/system/"

cd "$r"
mkdir -p oldroot
pivot_root . oldroot
umount -l /oldroot
# PID 1 writes sysctls that no namespace contains, and credentials need shared mounts.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --make-rshared /
export container=talkrelay-test
exec /lib/systemd/systemd --system --log-target=journal --show-status=false --unit=basic.target </dev/null
