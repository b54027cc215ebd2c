#!/usr/bin/env python3
"""Runs our program and the peers in turn over the same file of ratings and prints a table of medians and ratios.

    cargo build --release --manifest-path benchmarks/stats/Cargo.toml
    python3 benchmarks/stats/run.py --ours <target folder>/release/evalwright-benchmarks-stats --python <python>

`--python` is one with krippendorff, scikit-learn and crowd-kit. CPU is user and system time of the whole process, start-up,
imports and reading included; memory is the kernel's peak of that process. Needs Linux.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile


def run(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return json.loads(text or "{}") | {"cpu": usage.ru_utime + usage.ru_stime}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--raters", type=int, default=5)
    parser.add_argument("--labels", type=int, default=2)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--peer-draws", type=int, default=5)
    parser.add_argument("--em-rounds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    peer = [given.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")]
    with tempfile.TemporaryDirectory() as folder:
        file, ours_out, peer_out = (os.path.join(folder, name) for name in ["ratings", "ours", "theirs"])
        shape = [str(given.raters), str(given.labels)]
        subprocess.run(peer + ["write", file, str(given.items)] + shape, check=True)
        parts = {
            "ours: coefficients": [given.ours, "coefficients", file, *shape],
            "krippendorff: alpha": peer + ["krippendorff", file, *shape, "0", "-"],
            "scikit-learn: kappas": peer + ["kappas", file, *shape, "0", "-"],
            "ours: interval": [given.ours, "interval", file, *shape, str(given.draws)],
            "krippendorff: interval": peer + ["interval", file, *shape, str(given.peer_draws), "-"],
            "ours: Dawid-Skene": [given.ours, "dawid-skene", file, *shape, str(given.em_rounds), ours_out],
            "crowd-kit: Dawid-Skene": peer + ["dawid-skene", file, *shape, str(given.em_rounds), peer_out],
        }
        results = {name: [] for name in parts}
        for _ in range(given.rounds):
            for name, command in parts.items():
                results[name].append(run(command))
        difference = run(peer + ["compare", file, *shape, "0", f"{ours_out},{peer_out}"])
    last = {name: runs[-1] for name, runs in results.items()}
    cpu = {name: statistics.median(run["cpu"] for run in runs) for name, runs in results.items()}
    peak = {name: statistics.median(run["peak_mib"] for run in runs) for name, runs in results.items()}
    draw = statistics.median(run["seconds_a_draw"] for run in results["krippendorff: interval"])
    # Start-up and reading once, then as many draws as ours makes.
    base = cpu["krippendorff: interval"] - draw * given.peer_draws
    cpu["krippendorff: interval"] = base + draw * given.draws
    print(f"{given.items} items, {given.raters} raters, {given.labels} labels, {given.rounds} rounds, load", os.getloadavg())
    print("| part | CPU s | peak MiB | CPU over ours | memory over ours |\n| --- | --- | --- | --- | --- |")
    ours = None
    for name in parts:
        ours = name if name.startswith("ours") else ours
        ratios = (cpu[name] / cpu[ours], peak[name] / peak[ours])
        print(f"| {name} | {cpu[name]:.4g} | {peak[name]:.1f} | {ratios[0]:.3g} | {ratios[1]:.3g} |")
    print("alpha:", last["ours: coefficients"]["alpha"], last["krippendorff: alpha"]["alpha"])
    pairs = zip(last["ours: coefficients"]["kappas"], last["scikit-learn: kappas"]["kappas"])
    print("kappas differ by at most", max(abs(a - b) for a, b in pairs))
    for name in ["ours: interval", "krippendorff: interval"]:
        print(name, last[name]["low"], last[name]["high"])
    print("posteriors of", difference["items"], "items differ by at most", difference["largest_difference"])


if __name__ == "__main__":
    main()
