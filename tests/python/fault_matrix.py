#!/usr/bin/env python3
"""Shows the faults of `tests/fixtures/faults.json` to client packages, as `tests/tests/fault_matrix.rs` does to evalwright.

24 prompts are asked, every fourth reply of the server is faulty, three retries are allowed. A row is right when it holds
the whole good reply (a mark in place of half a character is fine), wrong when it holds anything else, and missing when
the client says that it has none. Packages that are not installed are left out; nothing is installed.

    cargo build --workspace --bin scripted-server
    EVALWRIGHT_SCRIPTED_SERVER=<target folder>/debug/scripted-server python3 tests/python/fault_matrix.py
"""

import asyncio
import copy
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROWS, EVERY, RETRIES = 24, 4, 3
GOOD = "I begin what others put off"
FAULTS = json.loads((pathlib.Path(__file__).parent.parent / "fixtures" / "faults.json").read_text())


def good_reply():
    message = {"role": "assistant", "content": f"{GOOD}."}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "mock",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 150, "completion_tokens": 12, "total_tokens": 162},
    }
    return {"status": 200, "headers": [["content-type", "application/json"]], "body": {"text": json.dumps(body)}}


def script(fault):
    faulty = copy.deepcopy(fault["writing"])
    faulty["body"]["text"] = faulty["body"]["text"].replace(" GOOD", GOOD).replace("CUT", "I begin")
    replies = [faulty if turn % EVERY == 0 else good_reply() for turn in range(1, 200)]
    return {"routes": [{"path": "/v1/chat/completions", "responses": replies}]}


class Server:
    """The scripted server in a process of its own; it ends when its standard input is closed."""

    def __init__(self, fault):
        self.folder = tempfile.TemporaryDirectory()
        place = pathlib.Path(self.folder.name)
        (place / "script.json").write_text(json.dumps(script(fault)))
        self.record = place / "record.jsonl"
        program = os.environ.get("EVALWRIGHT_SCRIPTED_SERVER", "scripted-server")
        self.process = subprocess.Popen(
            [program, str(place / "script.json"), str(self.record)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/v1"

    def requests(self):
        return len(self.record.read_text().splitlines())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


def with_openai(url):
    """The openai package, eight requests at a time, with its own retries."""
    import openai

    async def ask_all():
        places = asyncio.Semaphore(8)

        async def ask(client, number):
            async with places:
                messages = [{"role": "user", "content": f"Write statement {number}."}]
                try:
                    reply = await client.chat.completions.create(model="mock", messages=messages, max_tokens=40)
                    return reply.choices[0].message.content
                except Exception as error:
                    return error

        async with openai.AsyncOpenAI(base_url=url, api_key="invented", max_retries=RETRIES) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(ROWS)))

    return asyncio.run(ask_all())


def with_inspect(url):
    """inspect_ai: one sample a prompt, no scorer."""
    import inspect_ai
    from inspect_ai.dataset import Sample
    from inspect_ai.model import get_model

    model = get_model("openai-api/mock/mock", base_url=url, api_key="invented", max_retries=RETRIES)
    samples = [Sample(input=f"Write statement {number}.") for number in range(ROWS)]
    task = inspect_ai.Task(dataset=samples)
    with tempfile.TemporaryDirectory() as logs:
        (log,) = inspect_ai.eval(task, model=model, log_dir=logs, display="none", max_connections=8, fail_on_error=False)
        # While the folder is there: samples are read from it when they are looked at.
        rows = [sample.output.completion if sample.error is None else sample.error for sample in log.samples or []]
    return rows + [RuntimeError("no sample")] * (ROWS - len(rows))


CLIENTS = {"openai": with_openai, "inspect_ai": with_inspect}


def is_right(row):
    if not isinstance(row, str):
        return False
    marked = {f"{GOOD}{mark}." for mark in (" \ufffd", " \ud83d", " ?")}
    return row == f"{GOOD}." or row in marked


def main():
    installed = [name for name in CLIENTS if importlib.util.find_spec(name)]
    for name in CLIENTS:
        if name not in installed:
            print(f"SKIPPED: {name} is not installed")
    for name in installed:
        for fault in FAULTS:
            with Server(fault) as server:
                started = time.monotonic()
                try:
                    rows = CLIENTS[name](server.url)
                except Exception as error:
                    rows = [error] * ROWS
                right = sum(map(is_right, rows))
                missing = sum(not isinstance(row, str) for row in rows)
                wrong = ROWS - right - missing
                took = time.monotonic() - started
                print(
                    f"{name:12}{fault['name']:16}{right:3} right {wrong:3} wrong {missing:3} missing"
                    f"{server.requests():5} requests {took:6.1f} s",
                    flush=True,
                )
                if missing == ROWS:
                    # Rather the harness or a package that is missing than the fault.
                    print(f"  all missing; the first says: {str(rows[0])[:300]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
