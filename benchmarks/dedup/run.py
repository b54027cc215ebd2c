#!/usr/bin/env python3
"""Runs every tool on one workload, one after the other, and prints a table of processor time, peak memory, precision and recall.

    run.py FOLDER STATEMENTS [--sizes 1000000,5000000] [--larger grown,apart] [--rounds 3] [--only ours,rensa]

FOLDER takes workloads, results and the plot; STATEMENTS is a folder of published persona files. Needs the two programs built for
release (README.md). EVALWRIGHT_BENCHMARK_PYTHON names a Python in which datasketch, rensa and semhash are installed; what is not
there is left out, and says so. Processor time is user and system time of the whole process with its reading, so that a busy
machine counts less than on the clock; the median of the rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("statements")
parser.add_argument("--sizes", default="1000000")
parser.add_argument("--larger", default="grown", help="the larger workloads, of those in workload.py")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--only")
parser.add_argument("--near", type=pathlib.Path, default=HERE / "target/release/evalwright-benchmarks-dedup")
parser.add_argument("--evalwright", type=pathlib.Path, default=HERE.parents[1] / "target/release/evalwright")
given = parser.parse_args()
PYTHON = os.environ.get("EVALWRIGHT_BENCHMARK_PYTHON", sys.executable)


def measured(command):
    """Processor seconds, peak MiB and output; none if the command fails. Linux tells the peak of one child by wait4."""
    with open(given.folder / "output", "w+") as output:
        child = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.PIPE)
        error = child.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        output.seek(0)
        text = output.read()
    if status != 0:
        print(f"left out: {' '.join(map(str, command))}: {error.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text


def pairs_of(path):
    return {tuple(map(int, line.split())) for line in open(path)}


def shares(truth, found):
    both = len(truth & found)
    return both / max(1, len(found)), both / max(1, len(truth))


def kept_first(pairs):
    """Rows that fall when each row is compared with the kept ones before it, the rule of rensa's deduplicator."""
    fallen = set()
    for left, right in sorted(pairs, key=lambda pair: pair[::-1]):
        if left not in fallen:
            fallen.add(right)
    return fallen


def tools(workload, small):
    name = workload.stem
    out = {kind: given.folder / f"{name}.{kind}" for kind in ("ours", "gaoya", "datasketch", "rensa", "command")}
    listed = [
        ("ours, the command (clusters, files written)", "command", [given.evalwright, "dedup", workload, "--field", "text", "--shingle", "char-4", "--threshold", "0.7", "--out", out["command"], "--scratch", given.folder]),
        ("ours, the list of pairs", "ours", [given.near, "ours", workload, "--pairs", out["ours"]]),
        ("rensa deduplicator, 16 bands", "rensa", [PYTHON, HERE / "peer.py", "rensa", workload, "--flags", out["rensa"]]),
    ]
    if small:
        listed += [
            ("gaoya, 25 bands of 5", "gaoya", [given.near, "gaoya", workload, "--pairs", out["gaoya"]]),
            ("datasketch, 25 bands of 5", "datasketch", [PYTHON, HERE / "peer.py", "datasketch", workload, "--pairs", out["datasketch"]]),
            ("semhash, 20,000 rows", "semhash", [PYTHON, HERE / "peer.py", "semhash", workload, "--rows", 20000]),
        ]
    return [entry for entry in listed if not given.only or entry[1] in given.only.split(",")], out


def compare(workload, small, results):
    listed, out = tools(workload, small)
    runs = {kind: [] for _, kind, _ in listed}
    for _ in range(given.rounds):
        for _, kind, command in listed:
            run = measured(command)
            if run:
                runs[kind].append(run)
    truth = None
    if small:
        path = given.folder / f"{workload.stem}.truth"
        if not path.exists():
            measured([given.near, "truth", workload, "--pairs", path])
        truth = pairs_of(path)
    rows = sum(1 for _ in open(workload))
    print(f"\n{workload.stem}: {rows:,} rows" + (f", {len(truth):,} true pairs" if truth else ""))
    print("| tool | CPU s | peak MiB | precision | recall | counted on |\n| --- | --- | --- | --- | --- | --- |")
    for name, kind, _ in listed:
        if not runs[kind]:
            continue
        seconds = statistics.median(run[0] for run in runs[kind])
        peak = statistics.median(run[1] for run in runs[kind])
        quality = ("", "", "")
        if truth and kind in ("ours", "gaoya", "datasketch"):
            quality = tuple(f"{share:.4f}" for share in shares(truth, pairs_of(out[kind]))) + ("pairs",)
        elif truth and kind == "rensa":
            flags = {int(line) for line in open(out[kind])}
            quality = tuple(f"{share:.4f}" for share in shares(kept_first(truth), flags)) + ("rows",)
        print(f"| {name} | {seconds:.2f} | {peak:.0f} | {' | '.join(quality)} |")
        results.append({"workload": workload.stem, "rows": rows, "tool": kind, "cpu_s": round(seconds, 2), "peak_mib": round(peak), "runs": len(runs[kind])})


def main():
    given.folder.mkdir(parents=True, exist_ok=True)
    results = []
    statements = given.folder / "statements.jsonl"
    if not statements.exists():
        subprocess.run([sys.executable, HERE / "workload.py", "statements", given.statements, statements], check=True)
    compare(statements, True, results)
    for size in filter(None, given.sizes.split(",")):
        for kind in given.larger.split(","):
            larger = given.folder / f"{kind}-{size}.jsonl"
            if not larger.exists():
                subprocess.run([sys.executable, HERE / "workload.py", kind, statements, larger, size], check=True)
            compare(larger, False, results)
    (given.folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    subprocess.run([sys.executable, HERE / "plot.py", given.folder / "results.json", given.folder / "scaling.svg"], check=True)


main()
