"""A teacher in this process: a Transformers model that answers in large batches, every response from its own seed.

Sampling adds Gumbel noise to the scaled logits and takes the largest, which draws exactly from the softmax. The noise
is a hash of (seed, step, token), so that a response does not depend on the batch in which it was drawn, and a resumed
run repeats it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from toolkit.quiet import quiet
from toolkit.teachers.completion import Completion


class SeededGumbel(LogitsProcessor):
    """Adds standard Gumbel noise to each row's logits, a pure function of (row seed, step, token id).

    Args:
        seeds: one integer in [0, 2^63) per row.
        prompt_length: padded prompt length in tokens; steps count from there.
    """

    def __init__(self, seeds: torch.Tensor, prompt_length: int) -> None:
        self.seeds = seeds
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """`scores` of shape (rows, vocabulary) with noise added."""
        step = torch.tensor(input_ids.shape[1] - self.prompt_length, device=scores.device)
        tokens = torch.arange(scores.shape[1], device=scores.device)
        row = _mix(self.seeds + (step + 1) * _GOLDEN)
        bits = _mix(row[:, None] + ((tokens + 1) * _GOLDEN)[None, :])
        uniform = (_shift(bits, 40).double() + 0.5) / 2**24
        return scores + (-torch.log(-torch.log(uniform))).to(scores.dtype)


# Constants of the splitmix64 generator (Steele, Lea and Flood 2014), as signed 64-bit integers; overflow wraps.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def _shift(bits: torch.Tensor, by: int) -> torch.Tensor:
    """Logical shift to the right (torch shifts the sign in)."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    bits = (bits ^ _shift(bits, 30)) * _FIRST
    bits = (bits ^ _shift(bits, 27)) * _SECOND
    return bits ^ _shift(bits, 31)


class LocalTeacher:
    """A Transformers folder as a teacher; bf16 on a GPU, fp32 elsewhere.

    Args:
        folder: model, tokenizer and chat template.
        temperature: above 0.
        top_p: in (0, 1].
        max_tokens: new tokens per response.
    """

    def __init__(self, folder: Path, *, temperature: float, top_p: float, max_tokens: int) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        with quiet():
            self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
            model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
            self.model = model.to(self.device).eval()
        self.warpers: list[LogitsProcessor] = [TemperatureLogitsWarper(temperature)]
        if top_p < 1:
            self.warpers.append(TopPLogitsWarper(top_p))
        self.config = GenerationConfig(
            max_new_tokens=max_tokens,
            do_sample=False,  # the noise does the sampling
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
        )

    def prompt(self, question: str) -> str:
        """The text that the model reads for a question, by its own chat template."""
        turn = [{"role": "user", "content": question}]
        return str(self.tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False))

    def unreadable(self, questions: Sequence[str]) -> list[str]:
        """Those of `questions` that the tokenizer reads only with its unknown token."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None or not questions:
            return []
        rows = self.tokenizer(list(questions), add_special_tokens=False).input_ids
        return [question for question, row in zip(questions, rows, strict=True) if unknown in row]

    @torch.inference_mode()
    def complete(self, questions: Sequence[str], seeds: Sequence[int]) -> list[Completion]:
        """One completion per question, in order, each drawn from its seed in [0, 2^63)."""
        prompts = [self.prompt(question) for question in questions]
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(self.device)
        length = inputs.input_ids.shape[1]
        noise = SeededGumbel(torch.tensor(seeds, device=self.device), length)
        sequences = self.model.generate(
            input_ids=inputs.input_ids,
            attention_mask=inputs.attention_mask,
            generation_config=self.config,
            logits_processor=LogitsProcessorList([*self.warpers, noise]),
        )
        return [
            self._completion(tokens, int(prompt))
            for tokens, prompt in zip(sequences[:, length:].tolist(), inputs.attention_mask.sum(1), strict=True)
        ]

    def _completion(self, tokens: list[int], prompt_tokens: int) -> Completion:
        eos = self.config.eos_token_id
        stopped = eos in tokens
        answer = tokens[: tokens.index(eos)] if stopped else tokens
        text = str(self.tokenizer.decode(answer, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        return Completion(text, "stop" if stopped else "length", prompt_tokens, len(answer) + stopped)
