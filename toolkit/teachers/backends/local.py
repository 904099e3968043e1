"""A teacher in this process: a Transformers model that answers in large batches, every response from its own seed.

Sampling adds Gumbel noise to the scaled logits and takes the largest, which draws exactly from the softmax. The noise
is a hash of (seed, step, token), so that a response does not depend on the batch in which it was drawn, and a resumed
run repeats it.
"""

import asyncio
import bisect
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from toolkit.models.chat import chat_ids, chat_text, ends_of, left_padded, load_tokenizer, mute, unread
from toolkit.models.files import ModelFilesError
from toolkit.models.networks import guards, load_network, refuse_beyond
from toolkit.prompt import Messages
from toolkit.quiet import quiet
from toolkit.recipe.sections import Sampling
from toolkit.teachers.completion import Completion
from toolkit.teachers.request import cut_at_stop

BATCH = 512  # responses generated together; larger batches fall out of the CPU caches
MOMENT = 0.01  # seconds without a new request until a batch that is not full is generated


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
        """Give `scores`, of shape (rows, vocabulary), with noise added."""
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
    """Shift to the right and fill with zeros (torch shifts the sign in)."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _mix(bits: torch.Tensor) -> torch.Tensor:
    bits = (bits ^ _shift(bits, 30)) * _FIRST
    bits = (bits ^ _shift(bits, 27)) * _SECOND
    return bits ^ _shift(bits, 31)


class StopTexts(StoppingCriteria):
    """Ends the rows that have written a stop text behind a prompt of `prompt_length` tokens, padding included.

    The library's own criterion fails on tokenizers with a closed vocabulary.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], prompt_length: int) -> None:
        self.tokenizer, self.stop, self.prompt_length = tokenizer, stop, prompt_length
        self.window = 4 * max(map(len, stop)) + 4  # tokens: a character takes four at most, as bytes

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        """Say for each row whether it is at its end; the shape is (rows,)."""
        start = max(self.prompt_length, input_ids.shape[1] - self.window)
        tails = self.tokenizer.batch_decode(
            input_ids[:, start:], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return torch.tensor([any(end in tail for end in self.stop) for tail in tails], device=input_ids.device)


class BatchRequest(NamedTuple):
    """A request that waits for its batch."""

    messages: Messages
    seed: int
    answer: asyncio.Future[Completion]


class LocalTeacher:
    """A Transformers folder as a teacher; bf16 on a GPU, fp32 elsewhere. An async context manager.

    Requests join a batch, which is generated in a thread when it is full or when nothing more arrives. Two threads on
    two cores generate 1.6 times as much as one; a GPU has one.

    Args:
        folder: model, tokenizer and chat template.
        sampling: temperature, top_p, max_tokens and stop texts.
        model: its name@revision, as the completions record it.
        batch: responses generated together at most.
        threads: batches generated at once on a CPU.
        greedy: take the most likely token each time, whatever the seed and the temperature.

    Raises:
        ModelFilesError: for a folder that is not a complete chat model, or has no token that ends an answer.
    """

    def __init__(
        self,
        folder: Path,
        sampling: Sampling,
        *,
        model: str,
        batch: int = BATCH,
        threads: int = 1,
        greedy: bool = False,
    ) -> None:
        self.model, self.batch, self.stop, self.greedy = model, batch, sampling.stop, greedy
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.threads = 1 if self.device == "cuda" else threads
        self.concurrency = (self.threads + 1) * batch  # one batch is gathered while the others are generated
        dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        with quiet():
            self.tokenizer: Any = load_tokenizer(folder)
            self.network = load_network(folder, dtype).to(self.device).eval()
        self.ends = _ends(folder, self.tokenizer, sampling)
        self.warpers = [*guards(self.network, self.tokenizer, model)]
        if not greedy:
            self.warpers.append(TemperatureLogitsWarper(sampling.temperature))
        if sampling.top_p < 1 and not greedy:
            self.warpers.append(TopPLogitsWarper(sampling.top_p))
        # Only the recipe's settings: the model's own configuration may ask for more, such as a repetition penalty.
        self.network.generation_config = GenerationConfig(
            max_new_tokens=sampling.max_tokens,
            do_sample=False,  # the noise does the sampling
            eos_token_id=self.ends or None,
            pad_token_id=self.pad,
        )
        self._waiting: list[BatchRequest] = []
        self._generating: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self.threads, "generate")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._generating:
            task.cancel()
        await asyncio.gather(*self._generating, return_exceptions=True)
        self._threads.shutdown(cancel_futures=True)

    def prompt(self, messages: Messages) -> str:
        """Give the text of a conversation that the model reads, by its own chat template."""
        return chat_text(self.tokenizer, messages)

    @property
    def pad(self) -> int:
        """Give the token that fills up prompts and finished answers; any token will do."""
        return self.ends[0] if self.ends else 0

    def reads(self, messages: Messages) -> bool:
        """Say whether the tokenizer reads all of a conversation without its unknown token."""
        return not any(unread(self.tokenizer, message["content"]) for message in messages)

    async def complete(self, messages: Messages, seed: int) -> Completion:
        """Generate one completion of a conversation, drawn from its seed in [0, 2^63) whatever else is in the batch."""
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append(BatchRequest(messages, seed, answer))
        if len(self._generating) < min(self.threads, len(self._waiting)):
            self._generating.add(asyncio.create_task(self._generate_waiting()))
        return await answer

    async def _generate_waiting(self) -> None:
        """Generate batch after batch until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                await self._gather()
                batch, self._waiting = self._waiting[: self.batch], self._waiting[self.batch :]
                if not batch:  # another thread took it
                    continue
                prompts, seeds = [request.messages for request in batch], [request.seed for request in batch]
                generated = loop.run_in_executor(self._threads, self.generate, prompts, seeds)
                await asyncio.wait([generated])
                _hand_out(batch, generated)
        finally:  # at once, not in a callback: whoever asks next must see that a task is missing
            self._generating = {task for task in self._generating if task is not asyncio.current_task()}

    async def _gather(self) -> None:
        """Wait until the batch is full or nothing more arrives."""
        count = 0
        while count < len(self._waiting) < self.batch:
            count = len(self._waiting)
            await asyncio.sleep(MOMENT)

    @torch.inference_mode()
    def generate(self, prompts: Sequence[Messages], seeds: Sequence[int]) -> list[Completion]:
        """Generate one completion per conversation, in order, each drawn from its seed in [0, 2^63)."""
        read = [chat_ids(self.tokenizer, messages) for messages in prompts]
        refuse_beyond(self.network, read, self.model)
        ids, mask = left_padded(read, self.pad)
        length = ids.shape[1]
        noise = [] if self.greedy else [SeededGumbel(torch.tensor(seeds, device=self.device), length)]
        ends = [StopTexts(self.tokenizer, self.stop, length)] if self.stop else []
        sequences = self.network.generate(
            input_ids=ids.to(self.device),
            attention_mask=mask.to(self.device),
            logits_processor=LogitsProcessorList([*self.warpers, *noise]),
            stopping_criteria=StoppingCriteriaList(ends),
        )
        return [
            self._completion(tokens, len(prompt))
            for tokens, prompt in zip(sequences[:, length:].tolist(), read, strict=True)
        ]

    def _completion(self, tokens: list[int], prompt_tokens: int) -> Completion:
        end = next((place for place, token in enumerate(tokens) if token in self.ends), None)
        stopped, answer = end is not None, tokens[:end]
        text = self._decode(answer)
        if not self._stops(answer):
            return Completion(text, "stop" if stopped else "length", prompt_tokens, len(answer) + stopped, self.model)
        # A row that met a stop text was padded to the end: count what it took to write that text.
        used = bisect.bisect_left(range(len(answer)), True, key=lambda n: self._stops(answer[:n]))
        return Completion(cut_at_stop(text, self.stop), "stop", prompt_tokens, used, self.model)

    def _stops(self, tokens: list[int]) -> bool:
        return any(end in self._decode(tokens) for end in self.stop)

    def _decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _ends(folder: Path, tokenizer: Any, sampling: Sampling) -> list[int]:
    """Give the tokens that end an answer. Raises ModelFilesError where there is none, or no way to ask."""
    complaint, ends = mute(tokenizer), ends_of(folder, tokenizer)
    if not (complaint or ends or sampling.stop):
        complaint = "no token ends its answers; set eos_token in tokenizer_config.json, or the recipe's `stop`"
    if complaint:
        raise ModelFilesError(f"{folder}: {complaint}")
    return ends


def _hand_out(batch: Sequence[BatchRequest], generated: asyncio.Future[list[Completion]]) -> None:
    """Give every request that still waits its answer, or the fault, such as a GPU out of memory."""
    error = generated.exception()
    for at, request in enumerate(batch):
        if request.answer.done():
            continue
        if error:
            request.answer.set_exception(error)
        else:
            request.answer.set_result(generated.result()[at])
