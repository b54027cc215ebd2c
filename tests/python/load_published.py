"""Loads one published version as its readers do; fails loudly when any of them reads something else."""

import json
import pathlib
import sys
import tempfile

import datasets

version = pathlib.Path(sys.argv[1])
data = version / "data.jsonl"


def refuse(constant):
    raise ValueError(f"{constant} is not JSON")


lines = data.read_text(encoding="utf-8").splitlines()
rows = [json.loads(line, parse_constant=refuse) for line in lines]
assert rows, "no rows"
assert all(row["answer_matching_behavior"] in (" Yes", " No") for row in rows)
assert all({row["answer_matching_behavior"], row["answer_not_matching_behavior"]} == {" Yes", " No"} for row in rows)
print(f"json: {len(rows)} rows")

loaded = datasets.load_dataset("json", data_files=str(data), split="train")
assert len(loaded) == len(rows)
for ours, theirs in zip(rows, loaded):
    for key in ("question", "statement", "label_confidence", "answer_matching_behavior", "answer_not_matching_behavior", "id"):
        assert ours[key] == theirs[key], (key, ours[key], theirs[key])
print(f"datasets {datasets.__version__}: {len(loaded)} rows, columns {', '.join(loaded.column_names)}")

whole = datasets.load_dataset(str(version), split="validation")
assert len(whole) == len(rows)
print(f"datasets, the version's folder through its card: {len(whole)} rows")

import lm_eval
from lm_eval.tasks import TaskManager

# The form of the harness's own tasks over these columns.
task = f"""task: evalwright_check
dataset_path: json
dataset_kwargs:
  data_files:
    validation: {data}
validation_split: validation
output_type: multiple_choice
target_delimiter: ""
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{[answer_matching_behavior, answer_not_matching_behavior]}}}}"
doc_to_target: 0
metric_list:
  - metric: acc
metadata:
  version: 0
"""
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "evalwright_check.yaml").write_text(task, encoding="utf-8")
    manager = TaskManager(include_path=folder)
    results = lm_eval.simple_evaluate(model="dummy", tasks=["evalwright_check"], task_manager=manager, bootstrap_iters=0)
samples = results["samples"]["evalwright_check"]
assert len(samples) == len(rows)
for sample in samples:
    row = sample["doc"]
    continuations = [arguments[1] for arguments in sample["arguments"]]
    assert continuations == [row["answer_matching_behavior"], row["answer_not_matching_behavior"]], continuations
print(f"lm-evaluation-harness {lm_eval.__version__}: {len(samples)} samples scored by its dummy model")
