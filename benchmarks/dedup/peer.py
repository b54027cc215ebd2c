#!/usr/bin/env python3
"""One peer on one JSONL file with a field "text", so that its processor time and peak memory are its own.

    peer.py TOOL FILE [--pairs OUT.tsv] [--flags OUT.txt] [--rows N]

TOOL: datasketch (25 bands of 5), rensa (RMinHashDeduplicator, 16 bands), semhash. The set of a row holds the character 4-grams of the
text in lower case with blanks made one space; threshold 0.7. --pairs takes candidate pairs as the tool gives them, --flags rows
that it calls duplicates. semhash compares vectors, not sets: it gets a static model with one seeded random vector for
each word, so its time says something and its quality nothing.
"""
import argparse
import itertools
import json

parser = argparse.ArgumentParser()
parser.add_argument("tool")
parser.add_argument("file")
parser.add_argument("--pairs")
parser.add_argument("--flags")
parser.add_argument("--rows", type=int)
given = parser.parse_args()
THRESHOLD = 0.7


def folded(text):
    return " ".join(text.lower().split())


def grams(text):
    text = folded(text)
    return list({text[at : at + 4] for at in range(len(text) - 3)} or {text})


lines = itertools.islice(open(given.file, encoding="utf-8"), given.rows)
texts = [json.loads(line)["text"] for line in lines]
pairs, flags = [], []
if given.tool == "datasketch":
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=125, params=(25, 5))
    sets = ([gram.encode() for gram in grams(text)] for text in texts)
    for row, sketch in enumerate(MinHash.generator(sets, num_perm=125)):
        pairs += [(other, row) for other in index.query(sketch)]
        index.insert(row, sketch)
elif given.tool == "rensa":
    from rensa import RMinHashDeduplicator

    finder = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True, num_bands=16)
    stays = finder.add_pairs((str(row), grams(text)) for row, text in enumerate(texts))
    flags = [row for row, stay in enumerate(stays) if not stay]
elif given.tool == "semhash":
    import collections

    import numpy
    from model2vec import StaticModel
    from semhash import SemHash
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    counts = collections.Counter(word for text in texts for word in folded(text).split())
    numbers = {"[UNK]": 0} | {word: at + 1 for at, (word, _) in enumerate(counts.most_common(100_000))}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    vectors = numpy.random.default_rng(0).standard_normal((len(numbers), 256), dtype=numpy.float32)
    model = StaticModel(vectors, tokenizer, normalize=True)
    found = SemHash.from_records(texts, model=model).self_deduplicate(threshold=THRESHOLD)
    print(json.dumps({"removed": len(found.filtered)}))
else:
    raise SystemExit(f"tool {given.tool} is unknown")
if given.pairs:
    with open(given.pairs, "w") as out:
        out.writelines(f"{left}\t{right}\n" for left, right in pairs)
if given.flags:
    with open(given.flags, "w") as out:
        out.writelines(f"{row}\n" for row in flags)
