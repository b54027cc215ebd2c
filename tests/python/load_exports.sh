#!/usr/bin/env bash
# Exports a published version to every format and loads each with the package that it is for: `datasets`, `pyarrow`,
# Inspect, the lm-evaluation-harness, `mlcroissant` and, where there is npm, promptfoo; then writes the same rows with `pyarrow` and `polars` in every
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

# promptfoo with a model that always says Yes: every row is a test, and those whose matching answer is Yes pass.
if command -v npm > /dev/null; then
    # It refuses to run with an older Node.js than 22.
    npm install --silent --no-audit --no-fund --prefix "$work/promptfoo" node@22 "promptfoo@0.123.1" > /dev/null 2>&1
    PATH=$work/promptfoo/node_modules/.bin:$PATH
    export PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR="$work/promptfoo/settings"
    promptfoo="$work/promptfoo/node_modules/.bin/promptfoo"
    "$promptfoo" validate -c exports/promptfoo/promptfooconfig.yaml
    printf 'prompts: ["Yes"]\nproviders: [echo]\ntests: file://exports/promptfoo/tests.json\n' > always-yes.yaml
    # It ends with an error where a test fails, and half of them do.
    "$promptfoo" eval -c always-yes.yaml --no-cache --no-share --output promptfoo.json > /dev/null || true
    "$environment/bin/python" - exports/promptfoo/tests.json promptfoo.json << 'CHECK'
import json, sys
tests, results = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
yes = sum(test["metadata"]["matching"] == "Yes" for test in tests)
stats = results["results"]["stats"]
found = (stats["successes"], stats["failures"], stats["errors"])
assert found == (yes, len(tests) - yes, 0), (found, yes, len(tests))
print(f"promptfoo: {len(tests)} tests read, {yes} passed by a model that always says Yes")
CHECK
else
    echo "SKIPPED promptfoo: npm is not installed"
fi
