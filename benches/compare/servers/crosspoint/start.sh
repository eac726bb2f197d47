#!/bin/sh
# start.sh: our server with the accounts of the comparison, on 127.0.0.1:5060. Prints the root pid. CPUSET=0 pins it.
R=${BENCH_STATE:-${TMPDIR:-/tmp}/crosspoint-bench}
D=$(cd "$(dirname "$0")" && pwd)
B=${CROSSPOINT:-$D/../../../../target/release/crosspoint}
rm -rf "$R/crosspoint"
mkdir -p "$R/crosspoint"
cat >"$R/crosspoint.toml" <<T
data_dir = "$R/crosspoint"
domain = "bench.local"
[admin]
password = "bench-admin-password"
[network]
external_address = "127.0.0.1"
[sip]
listen = ["udp://127.0.0.1:5060", "tcp://127.0.0.1:5060"]
[http]
listen = ["http://127.0.0.1:8080"]
[media]
ports = "40000-49998"
T
${NICE:+nice -n $NICE} ${CPUSET:+taskset -c $CPUSET} setsid sh -c '[ -z "$NICE" ] || echo $NICE >/proc/self/autogroup; exec "$@"' sh \
    "$B" serve --config "$R/crosspoint.toml" >"$R/crosspoint.log" 2>&1 </dev/null &
P=$!
python3 "$D/accounts.py" http://127.0.0.1:8080 bench-admin-password "${USERS:-1000}" >&2 || { kill $P; exit 1; }
echo $P
