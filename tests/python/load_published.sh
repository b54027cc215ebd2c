#!/usr/bin/env bash
# Loads a published version with the Python packages that its readers use: `json`, `datasets`, and the
# lm-evaluation-harness with a task over `question`, `answer_matching_behavior` and
# `answer_not_matching_behavior`. Not part of the default suite: it installs those packages first.
#
#   tests/python/load_published.sh generated/<dataset>/<version>
set -euo pipefail
version=$(cd "${1:?usage: load_published.sh VERSION_FOLDER}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
environment=${EVALWRIGHT_PYTHON_ENVIRONMENT:-$(mktemp -d)/environment}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet "datasets==5.2.0" "lm_eval>=0.4.9"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE=$(mktemp -d) "$environment/bin/python" "$here/load_published.py" "$version"
