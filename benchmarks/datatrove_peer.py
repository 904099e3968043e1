"""datatrove's InferenceRunner with checkpoints as a sampling client; runs in an environment of its own:

    python3.11 -m venv /tmp/peer && /tmp/peer/bin/pip install 'datatrove[io]==0.10.1' aiofiles aiosqlite
    python benchmarks/sampler.py --peer-python /tmp/peer/bin/python

Prints what the other clients print. Its wall time leaves out the start of the server, which runs already.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

QUESTIONS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--cpu", type=int, default=None)
    args = parser.parse_args()
    if args.cpu is not None:
        os.sched_setaffinity(0, {args.cpu})

    from datatrove.data import Document
    from datatrove.pipeline.inference import run_inference
    from datatrove.pipeline.writers import JsonlWriter
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="ERROR")

    class Ready(run_inference.EndpointServer):
        """Its own probe needs httpx, which its dependencies no longer bring: without this it waits for ever."""

        async def is_ready(self) -> bool:
            return True

    run_inference.EndpointServer = Ready
    config = run_inference.InferenceConfig(
        server_type="endpoint",
        endpoint_url=args.url,
        model_name_or_path="tgi",
        default_generation_params={"max_tokens": 512, "temperature": 0.8},
        max_concurrent_generations=args.concurrency,
        metric_interval=3600,
    )

    async def rollout(document, generate):
        result = await generate(
            {"messages": [{"role": "user", "content": document.text}], "seed": document.metadata["index"]}
        )
        usage = result.usage
        return {
            "text": result.text,
            "finish_reason": result.finish_reason,
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
        }

    def documents():
        for n in range(args.count):
            at = n % QUESTIONS
            text = f"What is {at} + {at * 7 % 1000}? Show each step, then give the answer."
            yield Document(text=text, id=f"{at:016x}-{n // QUESTIONS}", metadata={"index": n // QUESTIONS})

    writer = JsonlWriter(str(args.out), output_filename="${rank}_${chunk_index}.jsonl", compression=None)
    runner = run_inference.InferenceRunner(
        rollout, config, writer, checkpoints_local_dir=str(args.out / "checkpoints"), records_per_chunk=6000
    )
    wall, cpu = time.perf_counter(), time.process_time()
    runner.run(documents())
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    rows = sum(path.read_bytes().count(b"\n") for path in args.out.glob("*.jsonl"))
    print(json.dumps(figures | {"rows": rows}))


if __name__ == "__main__":
    main()
