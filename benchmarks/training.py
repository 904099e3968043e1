"""A student's optimiser step through TRL and PEFT against a bare torch loop over the same batches, in processor time.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--steps 200] [--method lora|full] [--pool physics]

Both train the embedded base on worked solutions of a pool. Each prints milliseconds a step, then comes the ratio;
start-up (loading, tokenising, building the trainer) is apart. The last line tells what is computed for padding.
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


def write_corpus(file: Path, pool: str, questions: int = 256, solutions: int = 4) -> None:
    """A corpus file of worked solutions, several to a question."""
    from toolkit.domains import DOMAINS

    random_, subject = random.Random(0), DOMAINS[pool]
    rows = [
        {"question_id": f"q{number}", "question": question.text, "response": subject.solve(question, random_)}
        for number, question in enumerate(islice(subject.generate("pool", 0), questions))
        for _ in range(solutions)
    ]
    pq.write_table(pa.Table.from_pylist(rows), file)


def write_base(folder: Path, pool: str) -> None:
    """A model of the embedded shape; its weights do not matter here."""
    from toolkit.nano.pretrain import NanoSettings, train_base

    train_base(NanoSettings(steps=1, learning_rate=2e-3, domain=pool), folder)


def toolkit_step(base: Path, corpus: Path, settings: Any, out: Path) -> float:
    """Processor seconds a step of `train_student`, between the first step and the last."""
    from toolkit.students.train import train_student

    stamps: list[float] = []
    train_student(base, [corpus], out, settings, 0, lambda done, total: stamps.append(time.process_time()))
    return (stamps[-1] - stamps[0]) / (len(stamps) - 1)


def padded(rows: Any, batches: Any) -> float:
    """Tokens that are computed per token of the rows."""
    import numpy as np

    lengths = np.array([len(row) for row in rows.input_ids])[batches]
    return float(lengths.max(1).sum() * batches.shape[1] / lengths.sum())


def bare_step(base: Path, rows: Any, batches: Any, settings: Any) -> float:
    """Processor seconds a step of a plain loop: same batches, adapter, optimiser and clipping."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.utils import clip_grad_norm_
    from torch.nn.utils.rnn import pad_sequence

    from toolkit.models.networks import load_network
    from toolkit.students.rows import IGNORED

    ids, labels = ([torch.tensor(row) for row in column] for column in (rows.input_ids, rows.labels))
    model: Any = load_network(base)
    if settings.method == "lora":
        adapter = LoraConfig(r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules="all-linear")
        model = get_peft_model(model, adapter)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, betas=(0.9, 0.98), fused=True)
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
    parser.add_argument("--pool", choices=("mathematics", "physics"), default="mathematics")
    args = parser.parse_args()
    from toolkit.models.chat import load_tokenizer
    from toolkit.quiet import quiet
    from toolkit.recipe.sections import Student
    from toolkit.students.rows import read_responses, tokenize_rows, training_order

    settings = Student(method=args.method, steps=args.steps)
    with TemporaryDirectory() as scratch, quiet():
        base, corpus = Path(scratch, "base"), Path(scratch, "corpus.parquet")
        write_base(base, args.pool)
        write_corpus(corpus, args.pool)
        rows = tokenize_rows(load_tokenizer(base), read_responses([corpus]), settings.max_length)
        batches = training_order(len(rows), settings, 0).reshape(-1, settings.batch_size)
        bare = bare_step(base, rows, batches, settings)
        ours = toolkit_step(base, corpus, settings, Path(scratch, "student"))
    print(f"bare loop         {bare * 1e3:6.1f} ms a step of {settings.batch_size} rows ({args.method}, {args.pool})")
    print(f"toolkit.students  {ours * 1e3:6.1f} ms a step")
    print(f"ratio             {ours / bare:6.2f} x the bare loop")
    print(f"padding           {padded(rows, batches):6.2f} tokens computed per token of the rows")


if __name__ == "__main__":
    main()
