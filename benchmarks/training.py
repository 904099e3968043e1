"""A student's optimiser step through TRL and PEFT against a bare torch loop over the same batches, in processor time.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--steps 200] [--method lora|full]

Both train the embedded base on worked solutions of the mathematics pool. Each prints milliseconds a step, the last line
the ratio; start-up (loading, tokenising, building the trainer) is apart.
"""

import argparse
import random
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_corpus(file: Path, questions: int = 256, solutions: int = 4) -> None:
    """A corpus file of worked solutions, several to a question."""
    from toolkit.nano.traces import solve
    from toolkit.questions.mathematics import generate

    random_ = random.Random(0)
    rows = [
        {"question_id": f"q{number}", "question": question.text, "response": solve(question, random_)}
        for number, question in enumerate(islice(generate("pool", seed=0), questions))
        for _ in range(solutions)
    ]
    pq.write_table(pa.Table.from_pylist(rows), file)


def write_base(folder: Path) -> None:
    """A model of the embedded shape; its weights do not matter here."""
    from toolkit.nano.pretrain import NanoSettings, train_base

    train_base(NanoSettings(steps=1, learning_rate=2e-3), folder)


def toolkit_step(base: Path, corpus: Path, settings: Any, out: Path) -> float:
    """Processor seconds a step of `train_student`, between the first step and the last."""
    from toolkit.students.train import train_student

    stamps: list[float] = []
    train_student(base, [corpus], out, settings, 0, lambda done, total: stamps.append(time.process_time()))
    return (stamps[-1] - stamps[0]) / (len(stamps) - 1)


def bare_step(base: Path, corpus: Path, settings: Any) -> float:
    """Processor seconds a step of a plain loop: same rows, order, adapter, optimiser and clipping."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.utils import clip_grad_norm_
    from torch.nn.utils.rnn import pad_sequence
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from toolkit.students.rows import IGNORED, read_responses, tokenize_rows, training_order

    rows = tokenize_rows(AutoTokenizer.from_pretrained(base), read_responses([corpus]), settings.max_length)
    ids, labels = ([torch.tensor(row) for row in column] for column in (rows.input_ids, rows.labels))
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    if settings.method == "lora":
        adapter = LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules="all-linear")
        model = get_peft_model(model, adapter)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, betas=(0.9, 0.98), fused=True)
    batches = training_order(len(rows), settings, 0).reshape(-1, settings.batch_size)
    model.train()
    start = time.process_time()
    for batch in batches:
        inputs = pad_sequence([ids[row] for row in batch], batch_first=True)
        targets = pad_sequence([labels[row] for row in batch], batch_first=True, padding_value=IGNORED)
        model(input_ids=inputs, labels=targets, use_cache=False).loss.backward()
        clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return (time.process_time() - start) / len(batches)


def main() -> None:
    """Time both, one after the other, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    args = parser.parse_args()
    from toolkit.quiet import quiet
    from toolkit.recipe import Student

    settings = Student(method=args.method, steps=args.steps)
    with TemporaryDirectory() as scratch, quiet():
        base, corpus = Path(scratch, "base"), Path(scratch, "corpus.parquet")
        write_base(base)
        write_corpus(corpus)
        bare = bare_step(base, corpus, settings)
        ours = toolkit_step(base, corpus, settings, Path(scratch, "student"))
    print(f"bare loop         {bare * 1e3:6.1f} ms a step of {settings.batch_size} rows ({args.method})")
    print(f"toolkit.students  {ours * 1e3:6.1f} ms a step")
    print(f"ratio             {ours / bare:6.2f} x the bare loop")


if __name__ == "__main__":
    main()
