"""The openai package with aiohttp against the same scripted server; run by the benchmark beside it."""

import asyncio
import os
import resource
import time

import openai

URL = os.environ["EVALWRIGHT_THROUGHPUT_URL"]
COUNT = int(os.environ["EVALWRIGHT_THROUGHPUT_COUNT"])
CONNECTIONS = 256


async def main():
    words = "I gladly keep the promises that I make. " * 18
    numbers = iter(range(COUNT))
    async with openai.AsyncOpenAI(
        base_url=URL + "/v1", api_key="none", http_client=openai.DefaultAioHttpClient()
    ) as client:

        async def worker():
            for number in numbers:
                reply = await client.chat.completions.create(
                    model="mock",
                    messages=[{"role": "user", "content": f"{words}{number}"}],
                    logprobs=True,
                )
                assert reply.choices[0].logprobs is not None

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))


before = resource.getrusage(resource.RUSAGE_SELF)
started = time.perf_counter()
asyncio.run(main())
seconds = time.perf_counter() - started
after = resource.getrusage(resource.RUSAGE_SELF)
processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(seconds, processor, after.ru_maxrss / 1024)
