#!/usr/bin/env python3
"""Writes the workloads as JSONL with a field "text".

    workload.py statements FOLDER OUT.jsonl          every statement of the persona files of FOLDER, in order of file and line
    workload.py grown BASE.jsonl OUT.jsonl ROWS      ROWS rows grown from BASE, seed 7
    workload.py apart BASE.jsonl OUT.jsonl ROWS      the same, where rows are alike by edits alone

Grown rows: a share of 0.3 are an earlier fresh row with one or two words swapped, dropped, added or replaced. A fresh row is
a text of BASE while there are any, in shuffled order; then the first half of one and the second half of another around
a word that nobody uses, so that the vocabulary grows with the rows as it does in life. The same halves come again and again,
so pairs that are near, or nearly, grow faster than the rows. In `apart` every third word of such a text is one that nobody
uses: what is near is what was edited, and grows as the rows do.
"""
import json
import pathlib
import random
import sys

SEED, REPEATED, EDITS = 7, 0.3, 2


def statements(folder, out):
    files = sorted(pathlib.Path(folder).glob("*.jsonl"))
    with open(out, "w", encoding="utf-8") as target:
        for file in files:
            for line in open(file, encoding="utf-8"):
                text = json.loads(line)["statement"]
                target.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def edited(text, words, draw):
    parts = text.split()
    for _ in range(1 + draw.randrange(EDITS)):
        at, kind = draw.randrange(len(parts)), draw.randrange(4)
        if kind == 0 and len(parts) > 1:
            at = min(at, len(parts) - 2)
            parts[at], parts[at + 1] = parts[at + 1], parts[at]
        elif kind == 1 and len(parts) > 3:
            del parts[at]
        elif kind == 2:
            parts.insert(at, draw.choice(words))
        else:
            parts[at] = draw.choice(words)
    return " ".join(parts)


def unheard(draw):
    return "".join(draw.choice("bcdfghklmnprstvwz") + draw.choice("aeiou") for _ in range(3))


def grown(base, out, count, apart):
    draw = random.Random(SEED)
    texts = list(dict.fromkeys(json.loads(line)["text"] for line in open(base, encoding="utf-8")))
    draw.shuffle(texts)
    words = sorted({word for text in texts[:20000] for word in text.split()})
    fresh, used = [], 0
    with open(out, "w", encoding="utf-8") as target:
        for _ in range(count):
            if fresh and draw.random() < REPEATED:
                text = edited(draw.choice(fresh), words, draw)
            else:
                if used < len(texts):
                    text, used = texts[used], used + 1
                else:
                    one, other = draw.choice(texts).split(), draw.choice(texts).split()
                    parts = one[: max(2, len(one) // 2)] + [unheard(draw)] + other[len(other) // 2 :]
                    if apart:
                        parts = [part if at % 3 else unheard(draw) for at, part in enumerate(parts)]
                    text = " ".join(parts)
                fresh.append(text)
            target.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "statements":
        statements(sys.argv[2], sys.argv[3])
    else:
        grown(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[1] == "apart")
