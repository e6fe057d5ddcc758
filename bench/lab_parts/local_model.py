"""A small model on one core, behind the pipeline's last step: ik-llama-cpp-python, the answer of greatest likelihood word by
word. What two prompts have in common at their beginning is computed once. Speaks ChatML, as Qwen and SmolLM2 do.
"""

import ctypes
import json
from typing import Any

import numpy as np

from farthing.model.call import Answer, Call
from farthing.model.record import Attempt
from farthing.model.usage import Usage

try:
    from ik_llama_cpp import IkLlama
    from ik_llama_cpp import _ctypes_api as api
    from ik_llama_cpp._internals import make_batch_range
except ImportError:  # pip install ik-llama-cpp-python
    IkLlama = None

IS_THERE = IkLlama is not None
CONTEXT = 2048


class LocalModel:
    """Answers calls of the chat wire."""

    def __init__(self, path: str) -> None:
        self._model = IkLlama(path, n_ctx=CONTEXT, n_threads=1, verbose=False)
        self._context = self._model._context
        self._remove = api._lib.llama_kv_cache_seq_rm
        self._remove.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]
        self._words = self._model._model.n_vocab
        self._held: list[int] = []

    async def __call__(self, call: Call) -> Answer:
        body = json.loads(call.body)
        text = "".join(f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in body["messages"])
        tokens = self._model.tokenize(f"{text}<|im_start|>assistant\n", add_bos=False, special=True)
        said = self._generate(tokens, int(body.get("max_tokens", 16)))
        usage = Usage(uncached_in=len(tokens), out=max(1, len(said)))
        call.trail.attempts.append(Attempt(1, model=body["model"], cost=0, cost_state="computed", usage=usage))
        choice = {
            "message": {"role": "assistant", "content": self._model.detokenize(said).strip()},
            "finish_reason": "stop",
        }
        return Answer(200, [], json.dumps({"choices": [choice]}).encode())

    def _generate(self, tokens: list[int], most: int) -> list[int]:
        same = next((at for at, (one, other) in enumerate(zip(tokens, self._held, strict=False)) if one != other),
                    min(len(tokens), len(self._held)))  # fmt: skip
        same = min(same, len(tokens) - 1)
        self._remove(self._context.ctx, 0, same, -1)
        self._decode(tokens[same:], same)
        said: list[int] = []
        while len(said) < most:
            token = int(np.argmax(np.ctypeslib.as_array(self._context.get_logits(-1), shape=(self._words,))))
            if api.llama_token_is_eog(self._model._model.model, token):
                break
            said.append(token)
            self._decode([token], len(tokens) + len(said) - 1)
        self._held = [*tokens, *said]
        return said

    def _decode(self, tokens: list[int], at: int) -> None:
        step = self._context._n_ubatch
        for begin in range(0, len(tokens), step):
            part = tokens[begin : begin + step]
            batch: Any = make_batch_range(part, pos_start=at + begin, logits_last=begin + step >= len(tokens))
            failed = self._context.decode(batch)
            api.llama_batch_free(batch)
            if failed:
                raise RuntimeError(f"the model cannot go on: {failed}")
