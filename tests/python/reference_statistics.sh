#!/usr/bin/env bash
# Compares the statistics with independent packages over many seeded tables, 10,000 unless a number is given: the packages
# compute, and the test that the committed 300 tables pass reads what they found. Not part of the default suite: it installs
# those packages first.
#
#   tests/python/reference_statistics.sh [TABLES]
set -euo pipefail
tables=${1:-10000}
here=$(cd "$(dirname "$0")" && pwd)
environment=${EVALWRIGHT_PYTHON_ENVIRONMENT:-$(mktemp -d)/environment}
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet "krippendorff==0.9.0" "scikit-learn==1.9.1" "statsmodels==0.15.0" \
    "irrCAC==0.4.4" "crowd-kit==1.4.2" "cleanlab==2.9.0"
reference=$(mktemp)
"$environment/bin/python" "$here/reference_statistics.py" --tables "$tables" --every 100 --seed 2 --out "$reference"
cd "$here/../.."
EVALWRIGHT_STATISTICS_REFERENCE="$reference" cargo test -p evalwright-stats --test reference
