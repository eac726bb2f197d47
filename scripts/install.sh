#!/usr/bin/env bash
# Installs what the machine lacks, naming each package and what it is for.
#   scripts/install.sh build          what `make run` needs
#   scripts/install.sh build test     and what `make test` needs
#   scripts/install.sh build bench    and what `make bench` needs
# Debian or Ubuntu; as root or through sudo. Nothing is downloaded but packages, by name.
set -euo pipefail

# package | program or file that shows it is there | what it is for
BUILD_PACKAGES='
gcc|cc|the linker, and the C parts of SQLite, AWS-LC and jemalloc
g++|c++|the C++ parts of AWS-LC
make|make|the build of jemalloc
libc6-dev|/usr/include/stdio.h|C headers
curl|curl|the example requests of the README
'
TEST_PACKAGES='
sip-tester|sipp|SIP load and scenario peer of the tests
baresip|baresip|the softphone that tests call through the server
postgresql|/usr/lib/postgresql/*/bin/initdb|the second database of the tests
'
BENCH_PACKAGES='
sip-tester|sipp|load generator of the comparison
kamailio|kamailio|the signalling yardstick
kamailio-sqlite-modules|/usr/lib/*/kamailio/modules/db_sqlite.so|the yardstick reads its accounts from SQLite
rtpengine-daemon|rtpengine|the media yardstick
python3|python3|drives the comparison
'

present() {
    case $1 in
        /*) compgen -G "$1" >/dev/null ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=()
collect() {
    while IFS='|' read -r package proof purpose; do
        [ -n "$package" ] || continue
        present "$proof" && continue
        echo "missing: $package ($purpose)"
        missing+=("$package")
    done <<<"$1"
}

for group in "$@"; do
    case $group in
        build) collect "$BUILD_PACKAGES" ;;
        test) collect "$TEST_PACKAGES" ;;
        bench) collect "$BENCH_PACKAGES" ;;
        *) echo "install.sh: unknown group '$group' (build, test, bench)" >&2; exit 2 ;;
    esac
done

if ! command -v cargo >/dev/null 2>&1; then
    echo "A Rust toolchain (1.95 or newer) is needed and was not found: see https://rustup.rs" >&2
    exit 1
fi

if [ ${#missing[@]} -gt 0 ]; then
    echo "installing: ${missing[*]}"
    as_root apt-get update -qq
    # The packages would start services of their own; ours start what they need on ports of their own.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

case " $* " in
    *" test "*)
        if ! command -v cargo-nextest >/dev/null 2>&1; then
            echo "installing: cargo-nextest (runs the tests in parallel; built from source, some minutes)"
            cargo install --quiet --locked cargo-nextest
        fi
        ;;
esac
