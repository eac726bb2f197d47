#!/bin/sh
# bench.sh: our server beside Kamailio (HA1 in shared memory) and rtpengine, same rates, one after the other, in one run.
# OPS="register options call relay" leaves operations out. Loopback only, about five minutes; a quiet machine, please:
# the servers run on core 0, the load on core 1. Prints one table: CPU per operation, theirs, ours, ratio, goal.
set -u
cd "$(dirname "$0")"
OPS=${OPS:-register options call relay}
CALLS=${CALLS:-300}
SECS=${SECS:-15}
REP=${REP:-1}
export NICE=${NICE--10} CPUSET=0 LOAD_CPU=1
[ -x rtpload ] || cc -O2 -pthread -o rtpload rtpload.c || exit 1
W=$(mktemp -d)
STATE=$(mktemp -d)
export BENCH_STATE=$STATE
trap 'rm -rf "$W" "$STATE"' EXIT

has() { case " $OPS " in *" $1 "*) true ;; *) false ;; esac; }
stop() {
    for p in "$@"; do kill "$p" 2>/dev/null; done
    for p in "$@"; do
        n=0
        while kill -0 "$p" 2>/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
    done
}
# signalling LABEL PID: the fixed-rate set, one JSON line an operation
signalling() {
    python3 bench.py idle --secs 5 --label "$1" --pid "$2"
    has register && python3 bench.py register --rate 1500 --count 9000 --repeat "$REP" --label "$1" --pid "$2"
    has options && python3 bench.py options --rate 4000 --count 24000 --repeat "$REP" --label "$1" --pid "$2"
    has call && python3 bench.py call --rate 200 --count 1400 --repeat "$REP" --label "$1" --pid "$2"
}
relay() { has relay && python3 media.py --calls "$CALLS" --secs "$SECS" --users 1000 --label "$1" --pid "$2"; }

K=$(servers/kamailio/start.sh -A WITH_HTABLE_AUTH)
signalling kamailio "$K" >"$W/theirs"
stop "$K"
if has relay; then
    E=$(servers/rtpengine/start.sh)
    K=$(servers/kamailio/start.sh -A WITH_HTABLE_AUTH -A WITH_RTPENGINE)
    relay rtpengine "$E" >>"$W/theirs"
    stop "$K" "$E"
fi
O=$(servers/crosspoint/start.sh) || { echo "our server did not start: see $STATE/crosspoint.log" >&2; trap - EXIT; exit 1; }
signalling ours "$O" >"$W/ours"
relay ours "$O" >>"$W/ours"
stop "$O"
[ -z "${KEEP:-}" ] || cp "$W/theirs" "$W/ours" "$KEEP"
python3 table.py "$W/theirs" "$W/ours"
