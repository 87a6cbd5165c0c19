#!/usr/bin/env bash
# Builds dist/talkrelay_VERSION_ARCH.deb and .rpm: packaging/build.sh 1.2.3 [amd64|arm64]
# The same commit makes the same bytes. Needs Go and gzip; nfpm is fetched at the version named here.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n 2,3p "$0"; exit 2; }

NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
export VERSION=$1 GOARCH=${2:-$(go env GOARCH)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

root=dist/root
rm -rf "$root" && mkdir -p "$root/man"
flags="-s -w -X main.version=$VERSION"
CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags "$flags" -o "$root/talkrelay" ./cmd/talkrelay
native=$root/talkrelay.native # makes what is the same on every machine
CGO_ENABLED=0 GOARCH=$(go env GOHOSTARCH) go build -trimpath -ldflags "$flags" -o "$native" ./cmd/talkrelay
for shell in bash zsh fish; do "$native" completion $shell > "$root/talkrelay.$shell"; done
"$native" man "$root/man"
gzip -9n "$root"/man/*.1

nfpm=$(go env GOPATH)/bin/nfpm
GOOS='' GOARCH='' GOFLAGS=-mod=mod go install "$NFPM"
for format in deb rpm; do "$nfpm" package --config packaging/nfpm.yaml --packager "$format" --target dist/; done
ls -l dist/*"$VERSION"*
