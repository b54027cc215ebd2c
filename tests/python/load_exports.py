"""Loads every export of one version as its readers do; fails loudly when any of them reads something else."""

import importlib.metadata
import importlib.util
import json
import pathlib
import subprocess
import sys

program, version, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
exports = work / "exports"
rows = [json.loads(line) for line in (version / "data.jsonl").read_text(encoding="utf-8").splitlines()]
assert rows, "no rows"
answered = [row for row in rows if row["answer_matching_behavior"] and row["answer_not_matching_behavior"]]
assert answered, "no row has both answers, so there is little to check"


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


written = [row for path in sorted((exports / "model-written-evals").glob("*.jsonl")) for row in lines(path)]
for path in (exports / "model-written-evals").glob("*.jsonl"):
    for line in path.read_text(encoding="utf-8").splitlines():
        forms = [json.dumps(json.loads(line)), json.dumps(json.loads(line), ensure_ascii=False)]
        assert line in forms, line
print(f"json: {len(written)} rows are written as Python writes them")

import datasets

hub = exports / "hub"
total = 0
for name in datasets.get_dataset_config_names(str(hub)):
    loaded = datasets.load_dataset(str(hub), name)
    total += sum(len(split) for split in loaded.values())
    features = next(iter(loaded.values())).features
    assert features["label_confidence"].dtype == "float64", features
    assert features["statement"].dtype == "string", features
assert total == len(rows), (total, len(rows))
print(f"datasets {datasets.__version__}: {total} rows of the hub folder, with the types of its card")

whole = datasets.load_dataset(str(version), split="validation")
assert len(whole) == len(rows)
print(f"datasets: {len(whole)} rows of the version itself")

import pyarrow
import pyarrow.parquet

table = pyarrow.parquet.read_table(exports / "parquet" / "data.parquet")
table.validate(full=True)
by_id = {row["id"]: row for row in table.to_pylist()}
assert len(by_id) == len(rows)
for row in rows:
    other = by_id[row["id"]]
    for key in ("question", "statement", "label_confidence", "answer_matching_behavior"):
        assert row[key] == other[key], (key, row[key], other[key])
print(f"pyarrow {pyarrow.__version__}: {table.num_rows} rows of Parquet, {table.schema.names}")

from inspect_ai import eval as inspect_eval
import inspect_ai
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ModelOutput, ModelUsage, get_model

samples = json_dataset(str(exports / "inspect" / "samples.jsonl"))
specification = importlib.util.spec_from_file_location("exported_task", exports / "inspect" / "task.py")
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
(task,) = [value for name, value in vars(module).items() if name.startswith("evals_")]
limit = min(40, len(samples))
answer = ModelOutput.from_content("mockllm/model", "ANSWER: A")
# Without it the mock would fetch a tokenizer to count with.
answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
model = get_model("mockllm/model", custom_outputs=[answer] * limit)
(log,) = inspect_eval(task(), model=model, limit=limit, display="none", log_dir=str(work / "logs"))
assert log.status == "success", log.error.message
accuracy = log.results.scores[0].metrics["accuracy"].value
expected = sum(sample.target == "A" for sample in list(samples)[:limit]) / limit
assert abs(accuracy - expected) < 1e-9, (accuracy, expected)
print(f"inspect_ai {inspect_ai.__version__}: {len(samples)} samples, {limit} run; always A is right in {accuracy:.3f}")

import lm_eval
from lm_eval.tasks import TaskManager

folder = exports / "lm-evaluation-harness"
(task_file,) = folder.glob("*.yaml")
manager = TaskManager(include_path=str(folder), include_defaults=False)
results = lm_eval.simple_evaluate(model="dummy", tasks=[task_file.stem], task_manager=manager, bootstrap_iters=0, limit=200)
scored = results["samples"][task_file.stem]
data = lines(folder / "data.jsonl")
assert len(scored) == min(200, len(data))
for sample in scored:
    continuations = [arguments[1] for arguments in sample["arguments"]]
    assert continuations == sample["doc"]["answers"], continuations
    assert all(answer.startswith(" ") for answer in continuations), continuations
print(f"lm-evaluation-harness {lm_eval.__version__}: {len(scored)} of {len(data)} rows scored by its dummy model")

import mlcroissant

metadata = mlcroissant.Dataset(jsonld=str(exports / "croissant" / "croissant.json"))
record = next(iter(metadata.records("rows")))
assert record["rows/question"].decode() == rows[0]["question"]
print(f"mlcroissant {importlib.metadata.version('mlcroissant')}: valid, and its first record is the first row")

tests = json.loads((exports / "promptfoo" / "tests.json").read_text(encoding="utf-8"))
assert all(set(test) == {"description", "vars", "assert", "metadata"} for test in tests)
assert all(line["messages"][-1]["role"] == "assistant" for line in lines(exports / "chat" / "messages.jsonl"))
assert all({"prompt", "chosen", "rejected"} <= set(line) for line in lines(exports / "pairs" / "pairs.jsonl"))
(samples_file,) = (exports / "openai-evals" / "registry" / "data").glob("*/samples.jsonl")
assert all(line["input"][0]["role"] == "user" and line["ideal"] for line in lines(samples_file))
print(f"by their documented shape: {len(tests)} promptfoo tests, chat, pairs, OpenAI evals")

# The other direction: what others write, we read.
import polars

plain = [{key: row[key] for key in ("question", "statement", "label_confidence", "answer_matching_behavior", "answer_not_matching_behavior")} for row in answered]
for row, place in zip(plain, range(len(plain))):
    row["lists"] = [f"a{place}", "b"] if place % 3 else []
    row["nested"] = {"number": place, "maybe": None if place % 2 else "x"}
files = []
for codec in ("none", "snappy", "gzip", "zstd"):
    for page in ("1.0", "2.0"):
        path = work / f"pyarrow-{codec}-{page}.parquet"
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(plain), path, compression=codec, data_page_version=page, row_group_size=17)
        files.append(path)
path = work / "polars.parquet"
polars.DataFrame(plain).write_parquet(path)
files.append(path)
for path in files:
    name = path.stem.replace(".", "-")
    finished = subprocess.run(
        [program, "import", str(path), "--name", name, "--licence", "MIT", "--out", str(work / "imported"), "--json"],
        capture_output=True, text=True, check=False,
    )
    assert finished.returncode == 0, (path, finished.stderr)
    back = [json.loads(line) for line in (work / "imported" / name / "1.0.0" / "data.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(back) == len(plain), path
    for row, read in zip(plain, back):
        for key in ("question", "statement", "label_confidence", "answer_matching_behavior", "answer_not_matching_behavior"):
            assert row[key] == read[key], (path, key, row[key], read[key])
        original = json.loads(read["metadata"]["imported"]["original"])
        assert original == row, (path, original, row)
print(f"Parquet of pyarrow and polars {polars.__version__}: {len(files)} files read back value by value")
