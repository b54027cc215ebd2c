#!/usr/bin/env bash
# Exports a published version to every format and loads each with the package that it is for: `datasets`, `pyarrow`,
# Inspect, the lm-evaluation-harness and `mlcroissant`; then writes the same rows with `pyarrow` and `polars` in every
# codec and imports them. Not part of the default suite: it installs those packages first.
#
#   tests/python/load_exports.sh PROGRAM generated/<dataset>/<version>
set -euo pipefail
program=$(realpath "${1:?usage: load_exports.sh PROGRAM VERSION_FOLDER}")
version=$(cd "${2:?usage: load_exports.sh PROGRAM VERSION_FOLDER}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
environment=${EVALWRIGHT_PYTHON_ENVIRONMENT:-$work/environment}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet "datasets==5.2.0" "lm_eval>=0.4.9" inspect_ai mlcroissant pyarrow polars
cd "$work"
for format in model-written-evals inspect lm-evaluation-harness openai-evals promptfoo pairs chat parquet hub croissant; do
    "$program" export "$version" --format "$format" --out "exports/$format" > /dev/null
done
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$work/cache" "$environment/bin/python" "$here/load_exports.py" "$program" "$version" "$work"
