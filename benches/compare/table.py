#!/usr/bin/env python3
"""table.py THEIRS OURS: both JSON-lines files as one table with ratios (ours / theirs) and the goals of docs/BENCHMARKS.md."""
import json
import sys

# None: the ratio is written down, no goal is set yet.
GOALS = {"register": 1.5, "options": None, "call": 2.5, "relay": 0.8}
IDLE_MIB = 40


def rows(path):
    out = {}
    for line in open(path):
        if not line.startswith("{"):
            continue
        r = json.loads(line)
        if "op" in r:
            key, cost, bad = r["op"], r["cpu_us_per_op"], "%d failed, %d retransmitted" % (r["failed"], r["retrans"] + r["uas_retrans"])
        elif "rtp" in r:
            key, cost, bad = "relay", r["cpu_us_per_pkt"], "%s %% lost" % r["rtp"]["loss_pct"]
        elif "idle_core_pct" in r:
            key, cost, bad = "idle", r["pss_mib"], ""
        else:
            continue
        out.setdefault(key, []).append((cost, bad, r))
    return {k: sorted(v, key=lambda x: x[0] or 1e9)[len(v) // 2] for k, v in out.items()}


theirs, ours = rows(sys.argv[1]), rows(sys.argv[2])
missed = []
print("%-10s %12s %12s %8s %6s  %-8s %s" % ("operation", "theirs us", "ours us", "ratio", "goal", "", "theirs | ours"))
for op, goal in GOALS.items():
    if op not in theirs:
        continue
    mine = ours.get(op)
    ratio = mine and mine[0] and theirs[op][0] and mine[0] / theirs[op][0]
    verdict = "" if goal is None else "met" if ratio and ratio <= goal else "MISSED"
    if verdict == "MISSED":
        missed.append(op)
    print("%-10s %12s %12s %8s %6s  %-8s %s | %s" % (op, theirs[op][0], mine and mine[0], ratio and "%.2f" % ratio, goal or "", verdict,
                                                     theirs[op][1], mine and mine[1]))
if "idle" in ours:
    mib = ours["idle"][0]
    if mib > IDLE_MIB:
        missed.append("idle memory")
    print("%-10s %12s %12s %8s %6s  %-8s MiB, PSS" % ("idle", theirs["idle"][0], mib, "", IDLE_MIB, "met" if mib <= IDLE_MIB else "MISSED"))
for name, d in (("theirs", theirs), ("ours", ours)):
    if "relay" in d:
        r = d["relay"][2]
        print("%s relay: %d calls up, %s packets, delay ms %s, memory MiB %s -> %s" % (
            name, r["calls_up"], r["rtp"]["tx"], {k: r["rtp"]["delay_ms"][k] for k in ("p50", "p99", "p999")},
            r["mem_before"]["pss_mib"], r["mem_during"]["pss_mib"]))
print("every goal met" if not missed else "missed: " + ", ".join(missed))
