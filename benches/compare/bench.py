#!/usr/bin/env python3
"""SIP signalling benchmark driver (loopback, bounded). Standard library only.

Runs SIPp scenarios against HOST:PORT and charges the CPU time (utime+stime of
every process of the server) to the operations done.

  bench.py register --rate 500 --count 10000 --pid SERVERPID [--pid ...]
  bench.py call     --rate 100 --count 2000  --pid ...
  bench.py options  --rate 2000 --count 20000 --pid ...
  bench.py knee     --op register --rates 500,1000,2000 --step 6 --pid ...
  bench.py idle     --secs 5 --pid ...
A --pid names a root: the process and all its descendants are counted.
"""
import argparse, csv, json, os, subprocess, sys, tempfile, time, shutil, signal

HERE = os.path.dirname(os.path.abspath(__file__))
SC = os.path.join(HERE, "scenarios")
TCK = os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------- processes
def tree(roots):
    kids = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                s = open("/proc/%s/stat" % d).read()
            except OSError:
                continue
            kids.setdefault(int(s.rsplit(")", 1)[1].split()[1]), []).append(int(d))
    out, todo = [], list(roots)
    while todo:
        p = todo.pop()
        if p in out or not os.path.exists("/proc/%d" % p):
            continue
        out.append(p)
        todo += kids.get(p, [])
    return out


def cpu(roots):
    """CPU seconds (user, sys) of the trees. The scheduler's exact run time (schedstat, ns, all living
    threads) replaces the 10 ms ticks where it is larger; ticks also hold threads that have ended."""
    u = s = 0
    exact = 0
    for p in tree(roots):
        try:
            f = open("/proc/%d/stat" % p).read().rsplit(")", 1)[1].split()
            for t in os.listdir("/proc/%d/task" % p):
                exact += int(open("/proc/%d/task/%s/schedstat" % (p, t)).read().split()[0])
        except OSError:
            continue
        u += int(f[11])
        s += int(f[12])
    u, s, exact = u / TCK, s / TCK, exact / 1e9
    if exact > u + s:
        k = exact / (u + s) if u + s else 1
        return (u * k, s * k) if u + s else (exact, 0.0)
    return u, s


def mem(roots):
    """(sum of PSS, sum of private pages) in MiB: PSS counts shared pages once."""
    pss = priv = rss = 0
    for p in tree(roots):
        try:
            for l in open("/proc/%d/smaps_rollup" % p):
                k, v = l.split(":", 1) if ":" in l else ("", "")
                if k == "Pss":
                    pss += int(v.split()[0])
                elif k in ("Private_Dirty", "Private_Clean"):
                    priv += int(v.split()[0])
                elif k == "Rss":
                    rss += int(v.split()[0])
        except OSError:
            pass
    return {"pss_mib": round(pss / 1024, 1), "rss_sum_mib": round(rss / 1024, 1)}


# -------------------------------------------------------------------- sipp
def users_csv(path, n, password, prefix):
    with open(path, "w") as f:
        f.write("SEQUENTIAL\n")
        for i in range(n):
            u = "%s%04d" % (prefix, i)
            v = "%s%04d" % (prefix, (i + n // 2) % n)
            f.write("%s;[authentication username=%s password=%s];%s\n"
                    % (u, u, password, v))


class Ctx:
    def __init__(self, a):
        self.a = a
        self.dir = tempfile.mkdtemp(prefix="sipbench.")
        self.csv = os.path.join(self.dir, "users.csv")
        users_csv(self.csv, a.users, a.password, a.prefix)

    def sipp(self, scen, lport, extra, stat, inf=True):
        a = self.a
        core = a.load_cpu if inf else (a.uas_cpu or a.load_cpu)
        cmd = (["nice", "-n", a.nice] if a.nice else []) + (["taskset", "-c", core] if core else [])
        cmd += [a.sipp, "%s:%d" % (a.host, a.port), "-sf", os.path.join(SC, scen),
                "-i", a.local, "-p", str(lport), "-t", a.transport,
                "-key", "domain", a.domain, "-key", "cport", str(a.uas_port),
                "-nostdin", "-trace_err",
                "-error_file", os.path.join(self.dir, stat + ".err"),
                "-trace_stat", "-fd", "1", "-stf", os.path.join(self.dir, stat),
                "-buff_size", "4194304"]
        if inf:
            cmd += ["-inf", self.csv]
        return subprocess.Popen(cmd + extra, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stats(self, stat):
        try:
            rows = list(csv.reader(open(os.path.join(self.dir, stat)), delimiter=";"))
        except OSError:
            return {}
        return dict(zip(rows[0], rows[-1])) if len(rows) > 1 else {}

    def err(self, stat, n=3):
        try:
            return open(os.path.join(self.dir, stat + ".err")).read()[:n * 200]
        except OSError:
            return ""

    def close(self):
        if not self.a.keep:
            shutil.rmtree(self.dir, ignore_errors=True)


def hist(st, name="ResponseTimeRepartition1"):
    """p50/p99 upper bounds from SIPp's repartition columns."""
    cols = [(k, int(v)) for k, v in st.items()
            if k.startswith(name + "_") and v.strip().isdigit()]
    tot = sum(v for _, v in cols)
    out = {}
    for q in (50, 99):
        c = 0
        for k, v in cols:
            c += v
            if tot and c >= tot * q / 100:
                out["p%d_ms" % q] = k[len(name) + 1:]
                break
    return out


UAC = {"register": ("register.xml", None), "options": ("options.xml", None),
       "call": ("call_uac.xml", "call_uas.xml")}


def preregister(ctx, rate=400):
    a = ctx.a
    p = ctx.sipp("register.xml", a.uac_port, ["-r", str(rate), "-m", str(a.users),
                 "-timeout", "60s", "-recv_timeout", "5000"], "prereg")
    p.wait()
    return int(ctx.stats("prereg").get("SuccessfulCall(C)", 0) or 0)


def run(ctx, op, rate, count, tag):
    a = ctx.a
    scen, uas = UAC[op]
    up = None
    if uas:
        up = ctx.sipp(uas, a.uas_port, [], "uas" + tag, inf=False)
        time.sleep(0.4)
    m0 = mem(a.pid)
    lim = int(count / rate * 1.5 + 25)
    p = ctx.sipp(scen, a.uac_port,
                 ["-r", str(rate), "-m", str(count), "-l", str(a.max_calls),
                  "-timeout", "%ds" % lim, "-recv_timeout", "8000"], "uac" + tag)
    u0, s0 = cpu(a.pid)
    t0 = time.time()
    peak, tot0 = m0, None
    # sample memory near the end while load is still on
    while p.poll() is None:
        time.sleep(0.1)
        if time.time() - t0 > count / rate * 0.8 and peak is m0:
            peak = mem(a.pid)
        if time.time() - t0 > lim + 15:
            p.terminate()
            break
    u1, s1 = cpu(a.pid)
    wall = time.time() - t0
    me = os.times()
    if up:
        time.sleep(0.8)
        up.send_signal(signal.SIGUSR1)
        try:
            up.wait(3)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()
    me = os.times()
    st = ctx.stats("uac" + tag)
    g = lambda k: int(st.get(k, "0") or 0)
    ok, bad = g("SuccessfulCall(C)"), g("FailedCall(C)")
    ust = ctx.stats("uas" + tag) if uas else {}
    d = u1 - u0 + s1 - s0
    r = {"op": op, "rate": rate, "count": count, "ok": ok, "failed": bad,
         "retrans": g("Retransmissions(C)"),
         "uas_retrans": int(ust.get("Retransmissions(C)", 0) or 0),
         "wall_s": round(wall, 2), "throughput": round(ok / wall, 1),
         "cpu_s": round(d, 2), "cpu_us_per_op": round(d * 1e6 / ok, 1) if ok else None,
         "user_us": round((u1 - u0) * 1e6 / ok, 1) if ok else None,
         "sys_us": round((s1 - s0) * 1e6 / ok, 1) if ok else None,
         "server_core_pct": round(100 * d / wall, 1),
         "mem_before": m0, "mem_during": peak}
    r.update(hist(st))
    if not ok:
        r["err"] = ctx.err("uac" + tag)
    return r


def show(r):
    print(json.dumps(r), flush=True)


def boost(n):
    """Own session + autogroup nice, so that other work on the machine disturbs less."""
    try:
        os.setsid()
    except OSError:
        pass
    try:
        open("/proc/self/autogroup", "w").write(n)
    except OSError:
        pass


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("cmd", choices=list(UAC) + ["knee", "idle", "mem"])
    ap.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    ap.add_argument("--port", type=int, default=int(os.environ.get("PORT", 5060)))
    ap.add_argument("--domain", default=os.environ.get("DOMAIN_", "bench.local"))
    ap.add_argument("--users", type=int, default=int(os.environ.get("USERS", 1000)))
    ap.add_argument("--prefix", default="u")
    ap.add_argument("--password", default=os.environ.get("PASSWORD", "secret"))
    ap.add_argument("--local", default="127.0.0.1")
    ap.add_argument("--uac-port", type=int, default=5065)
    ap.add_argument("--uas-port", type=int, default=5070)
    ap.add_argument("--transport", default="u1")
    ap.add_argument("--pid", type=int, action="append", default=[])
    ap.add_argument("--rate", type=float, default=100)
    ap.add_argument("--count", type=int, default=1000)
    ap.add_argument("--max-calls", type=int, default=5000)
    ap.add_argument("--repeat", type=int, default=1)
    ap.add_argument("--op", default="register")
    ap.add_argument("--rates", default="")
    ap.add_argument("--step", type=float, default=6)
    ap.add_argument("--secs", type=float, default=5)
    ap.add_argument("--load-cpu", default=os.environ.get("LOAD_CPU", ""))
    ap.add_argument("--uas-cpu", default=os.environ.get("UAS_CPU", ""),
                    help="core of the answering SIPp, if not the loader's")
    ap.add_argument("--nice", default=os.environ.get("NICE", ""))
    ap.add_argument("--sipp", default=os.environ.get("SIPP", "sipp"))
    ap.add_argument("--keep", action="store_true")
    ap.add_argument("--no-prereg", action="store_true")
    ap.add_argument("--label", default="")
    a = ap.parse_args()
    if a.nice:
        boost(a.nice)
    if a.rate == int(a.rate):
        a.rate = int(a.rate)
    if a.cmd == "mem":
        return show(dict(label=a.label, **mem(a.pid)))
    if a.cmd == "idle":
        c0 = sum(cpu(a.pid)); time.sleep(a.secs); c1 = sum(cpu(a.pid))
        return show({"label": a.label, "idle_core_pct": round(100 * (c1 - c0) / a.secs, 3),
                     **mem(a.pid), "procs": len(tree(a.pid))})
    ctx = Ctx(a)
    try:
        op = a.op if a.cmd == "knee" else a.cmd
        if op == "call" and not a.no_prereg:
            n = preregister(ctx)
            if n < a.users:
                print("# only %d/%d registered %s" % (n, a.users, ctx.err("prereg")), file=sys.stderr)
        if a.cmd == "knee":
            prev = None
            for i, rt in enumerate(int(x) for x in a.rates.split(",")):
                r = run(ctx, op, rt, int(rt * a.step), "k%d" % i)
                r["label"] = a.label
                clean = r["failed"] == 0 and r["retrans"] + r["uas_retrans"] <= 0.002 * r["ok"] \
                    and r["ok"] == r["count"]
                r["clean"] = clean
                show(r)
                if r["failed"] > 0.05 * r["count"] or r["retrans"] > 0.2 * r["count"]:
                    break
                time.sleep(1.5)
        else:
            for i in range(a.repeat):
                r = run(ctx, op, a.rate, a.count, "r%d" % i)
                r["label"] = a.label
                show(r)
                time.sleep(1)
    finally:
        ctx.close()


main()
