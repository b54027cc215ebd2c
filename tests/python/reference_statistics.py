#!/usr/bin/env python3
"""Writes what independent packages make of seeded random tables, for `crates/stats/tests/reference.rs` to compare with.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install krippendorff scikit-learn statsmodels irrCAC \
        crowd-kit cleanlab
    /tmp/reference/bin/python tests/python/reference_statistics.py --out crates/stats/tests/reference.json

`reference_statistics.sh` does both for many more tables, with the slow Dawid-Skene fit for every hundredth. A value is null
where the package gives no number or an error. Ratings are written one item a string, one character a rater, `.` for a
missing one.
"""

import argparse
import importlib.metadata
import json
import math
import random
import warnings

import krippendorff
import numpy as np
import pandas as pd
import scipy.stats
import sklearn.metrics
from cleanlab.count import compute_confident_joint
from crowdkit.aggregation import DawidSkene
from irrCAC.raw import CAC
from sklearn.calibration import _sigmoid_calibration
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.isotonic import IsotonicRegression
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

warnings.filterwarnings("ignore")
PACKAGES = ["krippendorff", "scikit-learn", "statsmodels", "irrCAC", "crowd-kit", "cleanlab", "scipy", "numpy"]
ROUNDS = 10


def number(of):
    try:
        value = float(of())
    except Exception:
        return None
    return value if math.isfinite(value) else None


def random_table(rng):
    labels, raters, items = rng.randint(2, 6), rng.randint(2, 8), rng.randint(3, 20)
    missing = rng.choice([0, 0, 0.1, 0.3, 0.6])
    skew = [rng.random() ** rng.choice([1, 4]) + 1e-3 for _ in range(labels)]
    accuracy = [rng.uniform(0.2, 1) for _ in range(raters)]
    rows = []
    for _ in range(items):
        truth = rng.choices(range(labels), skew)[0]
        given = [truth if rng.random() < a else rng.choices(range(labels), skew)[0] for a in accuracy]
        rows.append([None if rng.random() < missing else label for label in given])
    return labels, raters, rows


def chance_corrected(rows, labels, method, weights):
    rated = [row for row in rows if any(label is not None for label in row)]
    # The package divides by the number of items less one for its standard error and gives up on a single item; the same
    # item twice has the same coefficient.
    single = len(rated) == 1
    frame = pd.DataFrame([[math.nan if x is None else x + 1 for x in row] for row in rated * (1 + single)])
    categories = list(range(1, labels + 1))
    try:
        cac = CAC(frame, weights=weights, categories=categories, digits=15)
        found = getattr(cac, method)()["est"]
    except Exception:
        return None
    value, error = float(found["coefficient_value"]), float(found["se"])
    if not math.isfinite(value) or abs(1 - float(found["pe"])) < 1e-12:
        return None
    # The package writes 1e-15 for a standard error of 0.
    error = None if single or not math.isfinite(error) else 0.0 if error == 1e-15 else error
    return {"value": value, "error": error}


def pair(rows, labels):
    both = [(row[0], row[1]) for row in rows if row[0] is not None and row[1] is not None]
    table = np.zeros((labels, labels))
    for first, second in both:
        table[first, second] += 1
    found = {"items": len(both)}
    for name, weights in [("plain", None), ("linear", "linear"), ("quadratic", "quadratic")]:
        if not both:
            found[name] = None
            continue
        first, second = zip(*both)
        value = number(
            lambda: sklearn.metrics.cohen_kappa_score(first, second, labels=list(range(labels)), weights=weights)
        )
        error = number(lambda: cohens_kappa(table, wt=weights).std_kappa)
        found[name] = None if value is None else {"value": value, "error": error}
    return found


def fleiss_of_full_table(rows, labels):
    if any(label is None for row in rows for label in row):
        return None
    counts = [[row.count(label) for label in range(labels)] for row in rows]
    return number(lambda: fleiss_kappa(np.array(counts)))


def dawid_skene(rows, labels):
    data = [(i, r, label) for i, row in enumerate(rows) for r, label in enumerate(row) if label is not None]
    frame = pd.DataFrame(data, columns=["task", "worker", "label"])
    fitted = DawidSkene(n_iter=ROUNDS, tol=-math.inf).fit_predict_proba(frame)
    posteriors = []
    for item in range(len(rows)):
        if item in fitted.index:
            posteriors.append([float(fitted.loc[item].get(label, 0.0)) for label in range(labels)])
        else:
            posteriors.append(None)
    return posteriors


def table_case(rng, with_model):
    labels, _, rows = random_table(rng)
    data = np.array([[math.nan if label is None else label + 1 for label in row] for row in rows]).T
    case = {"labels": labels, "rows": ["".join("." if x is None else str(x) for x in row) for row in rows]}
    case["alpha"] = {
        level: number(
            lambda: krippendorff.alpha(
                reliability_data=data,
                level_of_measurement=level,
                value_domain=[float(value) for value in range(1, labels + 1)],
            )
        )
        for level in ["nominal", "ordinal", "interval", "ratio"]
    }
    case["fleiss"] = chance_corrected(rows, labels, "fleiss", "identity")
    case["fleiss_of_full_table"] = fleiss_of_full_table(rows, labels)
    case["ac1"] = chance_corrected(rows, labels, "gwet", "identity")
    for scheme in ["linear", "quadratic", "ordinal"]:
        case["ac2_" + scheme] = chance_corrected(rows, labels, "gwet", scheme)
    case["brennan_prediger"] = chance_corrected(rows, labels, "bp", "identity")
    case["pair"] = pair(rows, labels)
    if with_model and any(label is not None for row in rows for label in row):
        case["dawid_skene"] = dawid_skene(rows, labels)
    return case


def curve_case(rng):
    points = []
    for _ in range(rng.randint(10, 60)):
        score = round(rng.uniform(-3, 3), rng.choice([0, 1, 6]))
        points.append((score, rng.random() < 1 / (1 + math.exp(-1.5 * score))))
    points += [(-1.0, True), (1.0, False)]
    scores, right = np.array([p[0] for p in points]), np.array([p[1] for p in points])
    probes = np.array([-4, -2.5, -1, -0.333, 0, 0.1, 0.777, 2, 5.0])
    isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, right.astype(float))
    slope, intercept = _sigmoid_calibration(scores, right.astype(float))
    stated = isotonic.predict(scores)
    return {
        "points": [[float(score), bool(is_right)] for score, is_right in points],
        "probes": probes.tolist(),
        "isotonic": isotonic.predict(probes).tolist(),
        "logistic": (1 / (1 + np.exp(slope * probes + intercept))).tolist(),
        "brier_of_isotonic": float(sklearn.metrics.brier_score_loss(right, stated)),
        "area": float(sklearn.metrics.roc_auc_score(right, scores)),
    }


def distribution_cases(rng):
    shares, quantiles = [], []
    for _ in range(40):
        trials = rng.choice([1, 7, 40, 1000, 250_000])
        successes = rng.choice([0, trials, rng.randint(0, trials)])
        confidence = rng.choice([0.8, 0.95, 0.99])
        ends = {
            name: [float(end) for end in proportion_confint(successes, trials, 1 - confidence, method)]
            for name, method in [("wilson", "wilson"), ("clopper_pearson", "beta")]
        }
        shares.append({"successes": successes, "trials": trials, "confidence": confidence} | ends)
    for _ in range(30):
        probability, freedom = rng.uniform(0.001, 0.999), rng.choice([1, 2, 3.5, 9, 40, 999, 1e6])
        # The package's own quantile is good to 1e-8; two Newton steps on its distribution function are as good as that.
        quantile = float(scipy.stats.t.ppf(probability, freedom))
        for _ in range(2):
            excess = float(scipy.stats.t.cdf(quantile, freedom)) - probability
            quantile -= excess / float(scipy.stats.t.pdf(quantile, freedom))
        quantiles.append([probability, freedom, quantile])
    return shares, quantiles


def text_case(rng):
    words = [f"w{i}" for i in range(12)]
    texts, labels = [], []
    for _ in range(60):
        label = rng.randint(0, 1)
        weights = [1 + (3 if i % 2 == label else 0) * (i < 4) for i in range(12)]
        texts.append(" ".join(rng.choices(words, weights, k=rng.randint(3, 8))))
        labels.append(label)
    # Monroe, Colaresi and Quinn 2008, equations 15, 16, 20 and 22, presence in a text, a prior of 500 words.
    vectorizer = CountVectorizer(binary=True, token_pattern=r"\S+")
    present = vectorizer.fit_transform(texts).toarray()
    chosen = np.array(labels) == 1
    y1, y0 = present[chosen].sum(0), present[~chosen].sum(0)
    prior = 500 * (y1 + y0) / present.sum()
    odds = lambda y: np.log((y + prior) / (y.sum() + 500 - y - prior))
    delta = odds(y1) - odds(y0)
    z = delta / np.sqrt(1 / (y1 + prior) + 1 / (y0 + prior))
    z_scores = dict(zip(vectorizer.get_feature_names_out().tolist(), z.tolist()))
    # Cosines of counts of words and pairs of words; the Vendi score from all their eigenvalues.
    counts = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+").fit_transform(texts).toarray().astype(float)
    unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    cosines = unit @ unit.T
    values = np.linalg.eigvalsh(cosines / len(texts))
    values = values[values > 1e-14]
    pairs = [tuple(t.split()[i : i + 2]) for t in texts for i in range(len(t.split()) - 1)]
    return {
        "texts": texts,
        "labels": labels,
        "z_for_label_1": z_scores,
        "distinct_2": len(set(pairs)) / len(pairs),
        "self_similarity": float((cosines.sum() - len(texts)) / (len(texts) * (len(texts) - 1))),
        "vendi": float(np.exp(-(values * np.log(values)).sum())),
    }


def vector_case(rng):
    rows, dimensions = rng.choice([(30, 5), (8, 20)])
    cells = [round(rng.gauss(0, 1) + (1 if d == 0 else 0), 3) for _ in range(rows) for d in range(dimensions)]
    single = np.array(cells, dtype=np.float32).astype(float).reshape(rows, dimensions)
    unit = single / np.linalg.norm(single, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / rows)
    values = values[values > 1e-14]
    principal = PCA(2, svd_solver="full").fit(unit)
    return {
        "dimensions": dimensions,
        "cells": cells,
        "vendi": float(np.exp(-(values * np.log(values)).sum())),
        "principal": np.abs(principal.transform(unit)).tolist(),
        "explained": principal.explained_variance_ratio_.tolist(),
    }


def noisy_labels_case(rng):
    labels, given, probabilities = rng.randint(2, 4), [], []
    for _ in range(80):
        truth = rng.randrange(labels)
        given.append(truth if rng.random() < 0.85 else rng.randrange(labels))
        raw = [rng.random() + (2.5 if label == truth else 0) for label in range(labels)]
        probabilities.append([value / sum(raw) for value in raw])
    joint = compute_confident_joint(np.array(given), np.array(probabilities), calibrate=False)
    # The calibration of the paper: rows scaled to how often each label was given, no rounding to whole rows.
    shares = np.bincount(given, minlength=labels) / len(given)
    scaled = joint / joint.sum(1, keepdims=True) * shares[:, None]
    return {"labels": labels, "given": given, "probabilities": probabilities, "joint": scaled.tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--tables", type=int, default=300)
    parser.add_argument("--every", type=int, default=3, help="Dawid-Skene for every so many tables")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    shares, quantiles = distribution_cases(rng)
    written = {
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "seed": arguments.seed,
        "dawid_skene_rounds": ROUNDS,
        "shares": shares,
        "student_quantiles": quantiles,
        "curves": [curve_case(rng) for _ in range(12)],
        "texts": [text_case(rng) for _ in range(2)],
        "vectors": [vector_case(rng) for _ in range(4)],
        "noisy_labels": [noisy_labels_case(rng) for _ in range(6)],
        "tables": [table_case(rng, i % arguments.every == 0) for i in range(arguments.tables)],
    }
    text = json.dumps(written, separators=(",", ":"))
    # One table a line, so that a change shows where it is.
    with open(arguments.out, "w") as out:
        out.write(text.replace('{"labels"', '\n{"labels"') + "\n")


if __name__ == "__main__":
    main()
