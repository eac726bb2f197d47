#!/usr/bin/env bash
# Every check of the project, in the order that fails fastest. Called by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "format"
cargo fmt --all --check

step "lints (clippy, warnings are errors)"
cargo clippy --workspace --all-targets --profile quick --quiet -- -D warnings

step "licences and bans (cargo deny)"
if command -v cargo-deny >/dev/null 2>&1; then
    cargo deny --log-level error check licenses bans sources
else
    echo "cargo-deny is not installed: licences and bans were NOT checked (cargo install --locked cargo-deny)"
fi

step "tests (SQLite and PostgreSQL, end to end, with sipp and baresip)"
# Media ports, sockets of a thousand phones: the soft limit of a login shell is too low for the peers.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
# The tests from end to end start this binary; nextest builds test programs only.
cargo build --quiet --profile quick -p crosspoint-server
cargo nextest run --workspace --cargo-profile quick --no-fail-fast "$@"
