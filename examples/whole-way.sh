#!/bin/sh
# The whole way of a dataset in one script: make it, make it again, say what changed, check every byte, explain a row,
# export it to every format, mend it by hand and put it into an index.
#
#   examples/whole-way.sh [FOLDER]      works in FOLDER, which must not be there yet [default: whole-way]
#
#   EVALWRIGHT   the program [default: evalwright]
#   ROWS         at most so many rows [default: as many as the behaviour says, 40]
#   AGAIN        what is otherwise the second time [default: --seed 2; another model: --generator vllm/ORG/MODEL@URL]
#
# It needs no model server: both times the model inside the program writes and judges, unless AGAIN says otherwise.
set -eu

evalwright=${EVALWRIGHT:-evalwright}
examples=$(cd "$(dirname "$0")" && pwd)
folder=${1:-whole-way}
if [ -e "$folder" ]; then
    echo "$folder is there already; name a folder that is not" >&2
    exit 2
fi
mkdir -p "$folder"
cd "$folder"
cp "$examples/first-dataset.toml" behaviour.toml
limit=${ROWS:+--limit $ROWS}

say() {
    printf '\n== %s\n' "$1"
}

say "Make it"
# Fewer rows than wanted (exit code 5) are a dataset too.
# shellcheck disable=SC2086 # the options are words
$evalwright run behaviour.toml $limit || [ $? -eq 5 ]
dataset=$(ls -d generated/*)
first=$dataset/1.0.0

say "Make it again for another setting"
# shellcheck disable=SC2086
$evalwright regenerate "$dataset" ${AGAIN:---seed 2} $limit || [ $? -eq 5 ]
second=$(ls -d "$dataset"/1.1.0)

say "See what changed"
$evalwright diff "$first" "$second" --out diff
cat "$dataset/CHANGELOG.md"

say "Trust every byte"
$evalwright verify "$dataset" --store .evalwright/replies.db

say "Explain a row, and why a candidate fell"
row=$(sed -n '1s/.*"id": "\(row_[0-9a-f]*\)".*/\1/p' "$second/data.jsonl")
$evalwright explain "$row"
fallen=$(sed -n '1s/.*"id": "\(cand_[0-9a-f]*\)".*/\1/p' "$second/rejected.jsonl")
if [ -n "$fallen" ]; then
    $evalwright why "$fallen"
fi

say "Take a row out, with a reason"
$evalwright fix "$dataset" --drop "$row" --reason "an example of a fix"
$evalwright status "$first" --set dropped --reason "an example of a version that is no longer used"
$evalwright status "$dataset"
$evalwright verify "$dataset" --store .evalwright/replies.db

say "Export it to every format"
for format in model-written-evals inspect lm-evaluation-harness openai-evals promptfoo pairs chat parquet hub croissant; do
    $evalwright export "$second" --format "$format" --out "exports/$format"
done

say "Put it into an index"
$evalwright index generated --out index

say "Done: open $folder/index/index.html, $folder/diff/diff.html and $folder/$second/report.html"
