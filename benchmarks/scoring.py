"""Scoring a model through lighteval against bare batched generation over the same prompts, in processor time.

    OMP_NUM_THREADS=1 python benchmarks/scoring.py [--items 1000] [--models 3]

The models have the embedded shape and random weights, so that most answers run to the token limit: the dear case.
Prints the import of lighteval once, seconds a model, and the ratio to the bare loop.
"""

import argparse
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq


def write_items(file: Path, count: int) -> None:
    """Test questions of the mathematics domain."""
    from toolkit.domains.mathematics import generate

    rows = [
        {"question_id": f"t{number}", "question": question.text, "answer": question.answer}
        for number, question in enumerate(islice(generate("test", seed=0), count))
    ]
    pq.write_table(pa.Table.from_pylist(rows), file)


def bare_generation(folder: Path, test_file: Path, batch_size: int, max_tokens: int) -> float:
    """Processor seconds of loading a model and generating greedy answers in batches sorted by length."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    start = time.process_time()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False).eval()
    questions = sorted(pq.read_table(test_file)["question"].to_pylist(), key=len)
    for place in range(0, len(questions), batch_size):
        turns = [[{"role": "user", "content": question}] for question in questions[place : place + batch_size]]
        prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            output = model.generate(**prompt, max_new_tokens=max_tokens, do_sample=False)
        tokenizer.batch_decode(output[:, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return time.process_time() - start


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--models", type=int, default=3)
    args = parser.parse_args()
    from training import write_base

    from toolkit.quiet import quiet
    from toolkit.recipe.sections import Evaluation

    settings = Evaluation()
    with TemporaryDirectory() as scratch, quiet():
        base, test_file = Path(scratch, "base"), Path(scratch, "test.parquet")
        write_base(base, "mathematics")
        write_items(test_file, args.items)
        limits = settings.eval_batch_size, settings.eval_max_tokens
        bare = min(bare_generation(base, test_file, *limits) for _ in range(args.models))
        start = time.process_time()
        from toolkit.evaluation.score import ScoredModel, score_models

        imported = time.process_time() - start
        seconds = []
        for number in range(args.models):
            start = time.process_time()
            models = [ScoredModel("base", base, Path(scratch, str(number)))]
            score_models(models, test_file, settings, lambda done, total: None)
            seconds.append(time.process_time() - start)
    print(f"import of lighteval  {imported:6.2f} s, once a process")
    print(f"bare generation      {bare:6.2f} s for {args.items} items, {settings.eval_max_tokens} tokens at most")
    print(f"toolkit.evaluation   {min(seconds):6.2f} s a model")
    print(f"ratio                {min(seconds) / bare:6.2f} x bare generation")


if __name__ == "__main__":
    main()
