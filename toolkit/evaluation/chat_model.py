"""A Transformers chat model behind lighteval's model interface: large batches, sorted by length."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc
from peft import PeftModel
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedTokenizerBase

from toolkit.evaluation.generating import Generating
from toolkit.evaluation.items import EvaluationError
from toolkit.models import chat
from toolkit.models.networks import guards, load_network, refuse_beyond
from toolkit.prompt import prompt_writer
from toolkit.recipe.sections import Evaluation


class ChatModel(Generating):
    """Answers lighteval's documents through the chat template, greedily or by sampling.

    Args:
        name: what the model is called in results.
        folder: a full model, or an adapter of `base`.
        base: the Transformers folder that an adapter belongs to; not read for a full model.
        template: Jinja template of the prompt; it knows `question`.
        settings: temperature, answers per item, new tokens, batch size, seed.
        tick: called with the number of items answered since the last call.

    Raises:
        EvaluationError: for an adapter without its base, or a tokenizer without a chat template.
        ModelFilesError: for a folder that cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        base: Path | None,
        template: str,
        settings: Evaluation,
        tick: Callable[[int], None],
    ) -> None:
        super().__init__(name, settings)
        self.tick = tick
        self.write_prompt = prompt_writer(template)
        self.model = load_model(folder, base)
        self._tokenizer = load_tokenizer(folder, base)
        self.ends = chat.ends_of(weights_source(folder, base), self._tokenizer)
        self.chat_template = str(self._tokenizer.chat_template)
        self.model.generation_config = self._generation()

    def _generation(self) -> GenerationConfig:
        """Give this recipe's settings alone: those of the model's own generation_config must not leak into a score."""
        common: dict[str, Any] = {
            "max_new_tokens": self.settings.eval_max_tokens,
            "eos_token_id": self.ends or None,
            "pad_token_id": self.pad,
        }
        if self.settings.eval_temperature == 0:
            return GenerationConfig(do_sample=False, **common)
        return GenerationConfig(
            do_sample=True,
            temperature=self.settings.eval_temperature,
            top_p=1.0,
            top_k=0,
            num_return_sequences=self.samples,
            **common,
        )

    @property
    def pad(self) -> int:
        """Give the token that fills up prompts and finished answers; any token will do."""
        return self.ends[0] if self.ends else 0

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Answer each document with one response of `samples` texts, in the order of the documents.

        Raises:
            NotFinite: for a model that has diverged.
        """
        prompts = [chat.prompt_ids(self._tokenizer, self.write_prompt(doc.query)) for doc in docs]
        refuse_beyond(self.model, prompts, self.config.model_name)
        order = sorted(range(len(docs)), key=lambda index: len(prompts[index]))
        width = max(1, self.settings.eval_batch_size // self.samples)
        torch.manual_seed(self.settings.eval_seed)
        responses: dict[int, ModelResponse] = {}
        for start in range(0, len(order), width):
            batch = order[start : start + width]
            texts = self._generate([prompts[index] for index in batch])
            for place, index in enumerate(batch):
                responses[index] = ModelResponse(
                    input=docs[index].query, text=texts[place * self.samples : (place + 1) * self.samples]
                )
            self.tick(len(batch))
        return [responses[index] for index in range(len(docs))]

    @torch.inference_mode()
    def _generate(self, prompts: list[list[int]]) -> list[str]:
        ids, mask = chat.left_padded(prompts, self.pad)
        sequences = self.model.generate(
            input_ids=ids.to(self.model.device),
            attention_mask=mask.to(self.model.device),
            logits_processor=LogitsProcessorList(guards(self.model, self._tokenizer, self.config.model_name)),
        )
        return [self._text(tokens) for tokens in sequences[:, ids.shape[1] :].tolist()]

    def _text(self, tokens: list[int]) -> str:
        """Decode the answer up to its first end token, which need not be a special token of the tokenizer."""
        end = next((place for place, token in enumerate(tokens) if token in self.ends), None)
        return str(self._tokenizer.decode(tokens[:end], skip_special_tokens=True))

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self._tokenizer

    @property
    def max_length(self) -> int:
        return int(self.model.config.max_position_embeddings)


def load_model(folder: Path, base: Path | None) -> Any:
    """Load the model in evaluation mode, an adapter merged: in bfloat16 on the GPU if there is one, else float32."""
    gpu = torch.cuda.is_available()
    source = weights_source(folder, base)
    model = load_network(source, torch.bfloat16 if gpu else torch.float32)
    if source != folder:
        model = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    return model.to("cuda" if gpu else "cpu").eval()


def load_tokenizer(folder: Path, base: Path | None) -> PreTrainedTokenizerBase:
    """Load the model's tokenizer, for an adapter that of its base."""
    source = weights_source(folder, base)
    tokenizer = chat.load_tokenizer(source)
    complaint = chat.mute(tokenizer)
    if complaint:
        raise EvaluationError(f"{source}: {complaint}")
    return tokenizer


def weights_source(folder: Path, base: Path | None) -> Path:
    """Give the folder itself for a full model, `base` for an adapter."""
    if not (folder / "adapter_config.json").exists():
        return folder
    if base is None:
        raise EvaluationError(f"{folder}: an adapter is scored together with its base; name the base's folder")
    return base
