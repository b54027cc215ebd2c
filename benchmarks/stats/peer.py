#!/usr/bin/env python3
"""One part of the benchmark by a Python package, in a process of its own; prints one line of JSON. `run.py` starts it."""

import json
import sys
import time

import numpy as np


def peak_mib():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main():
    what, file, raters, labels, count, out = sys.argv[1:7]
    raters, labels, count = int(raters), int(labels), int(count)
    table = np.fromfile(file, np.int8).reshape(-1, raters)
    found = {}
    if what in ("krippendorff", "interval"):
        import krippendorff

        data = np.where(table < 0, np.nan, table).T

        def alpha(data):
            return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))

        if what == "krippendorff":
            found["alpha"] = alpha(data)
        else:
            rng = np.random.default_rng(1)
            start = time.process_time()
            values = [alpha(data[:, rng.integers(0, data.shape[1], data.shape[1])]) for _ in range(count)]
            found["seconds_a_draw"] = (time.process_time() - start) / count
            found["low"], found["high"] = (float(end) for end in np.percentile(values, [2.5, 97.5]))
    elif what == "kappas":
        from sklearn.metrics import cohen_kappa_score

        found["kappas"] = []
        for first in range(raters):
            for second in range(first + 1, raters):
                both = (table[:, first] >= 0) & (table[:, second] >= 0)
                found["kappas"].append(float(cohen_kappa_score(table[both, first], table[both, second])))
    elif what == "dawid-skene":
        import pandas as pd
        from crowdkit.aggregation import DawidSkene

        task, worker = np.nonzero(table >= 0)
        frame = pd.DataFrame({"task": task, "worker": worker, "label": table[task, worker].astype(int)})
        fitted = DawidSkene(n_iter=count, tol=-np.inf).fit_predict_proba(frame)
        found["items"] = len(fitted)
        shares = np.full((len(table), labels), np.nan)
        shares[fitted.index.to_numpy()] = fitted[sorted(fitted.columns)].to_numpy()
        shares.tofile(out)
    elif what == "compare":
        ours, theirs = (np.fromfile(path).reshape(-1, labels) for path in out.split(","))
        rated = ~np.isnan(theirs).any(axis=1)
        found["items"] = int(rated.sum())
        found["largest_difference"] = float(np.abs(ours[rated] - theirs[rated]).max())
    else:
        sys.exit(f"unknown part {what}")
    print(json.dumps(found | {"peak_mib": round(peak_mib(), 1)}))


def write(file, items, raters, labels):
    """Rater r is right with probability 0.95 - 0.05 r and otherwise picks any label; 2 % of the cells are missing."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, labels, items)
    cells = np.empty((items, raters), np.int8)
    for rater in range(raters):
        right = rng.random(items) < 0.95 - 0.05 * rater
        cells[:, rater] = np.where(right, truth, rng.integers(0, labels, items))
    cells[rng.random(cells.shape) < 0.02] = -1
    cells.tofile(file)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], *(int(number) for number in sys.argv[3:6]))
    else:
        main()
