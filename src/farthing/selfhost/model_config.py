"""A model's shape from its `config.json`: every matrix with its size, what a token keeps in the KV cache, what it is stored in.

Knows grouped and latent attention, sliding windows, and mixtures of experts. Reads no weights (`tensors` does) and knows
nothing of GPUs and formats.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from farthing.model.errors import BadRequest

TWO_MATRICES = (
    "bloom", "gptj", "gpt2", "gpt_neo", "gpt_neox", "falcon", "opt", "phi", "starcoder2", "codegen", "gpt_bigcode", "mpt"
)  # fmt: skip
"""Families whose MLP has no gate."""
PARALLEL_NORM = ("gptj", "codegen", "phi", "falcon")
"""Families with one norm a layer."""


class Linear(msgspec.Struct, frozen=True):
    """Matrices of one size. `inputs` is what a group of a quantized row must divide."""

    role: str
    """attention, mlp, expert, shared or router; routers stay at 16 bits."""
    inputs: int
    outputs: int
    copies: int
    active: float
    """Copies that work on one token."""

    @property
    def parameters(self) -> int:
        return self.inputs * self.outputs * self.copies


class Shape(msgspec.Struct, frozen=True):
    """What the arithmetic of memory and speed needs of a model."""

    name: str
    family: str
    """`model_type` of the configuration."""
    architecture: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    linears: tuple[Linear, ...]
    other: int
    """Parameters of norms and biases."""
    tied: bool
    """Whether input embedding and output head are one matrix."""
    kv_full: int
    """Elements that a token keeps, over the layers that keep all tokens."""
    kv_windowed: int
    """The same over layers with a sliding window."""
    window: int
    experts: int
    experts_active: int
    context: int
    """Most tokens of a sequence; 0 where the configuration does not say."""
    stored: str
    """The format of its weights: `bf16`, `fp32`, or what its quantization is called."""

    @property
    def embedding(self) -> int:
        """Parameters of the input embedding and the output head."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def quantizable(self) -> int:
        """Parameters of the matrices that tools quantize."""
        return sum(each.parameters for each in self.linears if each.role != "router")

    @property
    def parameters(self) -> int:
        return sum(each.parameters for each in self.linears) + self.embedding + self.other

    @property
    def active(self) -> float:
        """Parameters that one token is multiplied with: of its experts alone, and the output head."""
        return sum(e.inputs * e.outputs * e.active for e in self.linears) + self.vocabulary * self.hidden

    @property
    def in_experts(self) -> int:
        """Parameters of all routed experts."""
        return sum(each.parameters for each in self.linears if each.role == "expert")

    @property
    def is_moe(self) -> bool:
        return self.experts > 1


def read(where: Path, name: str = "") -> Shape:
    """The shape of the model in a folder, or of a `config.json`. Raises BadRequest."""
    file = where / "config.json" if where.is_dir() else where
    try:
        given = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise BadRequest(f"{file} is no model's config.json: {error}") from None
    return shape_of(given, name or str(given.get("_name_or_path") or "") or file.absolute().parent.name)


def shape_of(given: Mapping[str, Any], name: str = "") -> Shape:
    """The shape that a configuration describes. Raises BadRequest that names what it lacks."""
    try:
        return _shape_of(given, name)
    except (TypeError, AttributeError, ValueError, LookupError, ArithmeticError) as error:  # a value of another type
        raise BadRequest(f"the model's configuration cannot be used: {error}") from None


def _shape_of(given: Mapping[str, Any], name: str) -> Shape:
    config = _Config({**given, **given.get("text_config", {})} if isinstance(given.get("text_config"), dict) else given)
    layers, hidden = config.need("num_hidden_layers", "n_layer"), config.need("hidden_size", "n_embd")
    heads = config.need("num_attention_heads", "n_head")
    head_dim = config.number("head_dim") or hidden // heads
    kv_heads = _kv_heads(config, heads)
    if head_dim < 1:
        raise BadRequest(f"the model's configuration has more heads ({heads:,}) than hidden_size ({hidden:,})")
    linears = (*_attention(config, layers, hidden, heads, kv_heads, head_dim), *_feed_forward(config, layers, hidden))
    full, windowed, window = _kept_layers(config, layers)
    a_layer = _kept_a_layer(config, kv_heads, head_dim)
    architectures = given.get("architectures") or [""]
    return Shape(
        name=name, family=config.family, architecture=str(architectures[0]), layers=layers, hidden=hidden, heads=heads,
        kv_heads=kv_heads, head_dim=head_dim, vocabulary=config.need("vocab_size"), linears=linears,
        other=_norms_and_biases(config, layers, hidden, heads, kv_heads, head_dim),
        tied=bool(config.get("tie_word_embeddings", config.family in ("bloom", "gpt2", "falcon", "gemma", "gemma2", "gemma3_text"))),
        kv_full=full * a_layer, kv_windowed=windowed * a_layer, window=window, experts=_experts(config),
        experts_active=config.number("num_experts_per_tok", "experts_per_token", "moe_topk") if _experts(config) > 1 else 0,
        context=config.number("max_position_embeddings", "n_positions", "max_sequence_length"), stored=_stored(given, config),
    )  # fmt: skip


class _Config:
    """A configuration whose values are asked for under several names, and checked."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.family = str(values.get("model_type", ""))

    def get(self, name: str, default: Any = None) -> Any:
        found = self._values.get(name)
        return default if found is None else found

    def number(self, *names: str) -> int:
        """The first of these that is there; 0 where none is."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, list):  # some list what each layer has
                value = max((each for each in value if isinstance(each, int)), default=0)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
                return int(value)
        return 0

    def need(self, *names: str) -> int:
        found = self.number(*names)
        if not found:
            raise BadRequest(f"the model's configuration does not say {names[0]}")
        return found


def _kv_heads(config: _Config, heads: int) -> int:
    if config.family == "falcon" and config.get("multi_query") and not config.get("new_decoder_architecture"):
        return 1
    if config.family == "gpt_bigcode" and config.get("multi_query"):
        return 1
    return config.number("num_key_value_heads", "num_kv_heads", "num_key_value_heads_per_layer", "n_head_kv") or heads


def _attention(
    config: _Config, layers: int, hidden: int, heads: int, kv_heads: int, head_dim: int
) -> Iterator[Linear]:  # fmt: skip
    def each(inputs: int, outputs: int, times: int = 1) -> Linear:
        return Linear("attention", inputs, outputs, layers * times, layers * times)

    rank = config.number("kv_lora_rank")
    if not rank:
        yield each(hidden, heads * head_dim)
        yield each(hidden, kv_heads * head_dim, 2)
        yield each(heads * head_dim, hidden)
        return
    rope, nope = config.need("qk_rope_head_dim"), config.need("qk_nope_head_dim")
    value, query_rank = config.need("v_head_dim"), config.number("q_lora_rank")
    if query_rank:
        yield each(hidden, query_rank)
    yield each(query_rank or hidden, heads * (nope + rope))
    yield each(hidden, rank + rope)
    yield each(rank, heads * (nope + value))
    yield each(heads * value, hidden)


def _experts(config: _Config) -> int:
    return config.number("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")


def _feed_forward(config: _Config, layers: int, hidden: int) -> Iterator[Linear]:
    experts, gated = _experts(config), config.family not in TWO_MATRICES
    wide = config.number("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size") or 4 * hidden
    sparse = _sparse_layers(config, layers) if experts > 1 else 0
    dense_wide = config.number("intermediate_size_mlp") or wide
    yield from _mlp("mlp", hidden, dense_wide, layers - sparse, layers - sparse, gated)
    if not sparse:
        return
    expert_wide = config.number("moe_intermediate_size", "expert_ffn_hidden_size") or wide
    chosen = config.number("num_experts_per_tok", "experts_per_token", "moe_topk") or 1
    yield from _mlp("expert", hidden, expert_wide, sparse * experts, sparse * chosen, gated)
    shared = config.number("shared_expert_intermediate_size") or config.number("n_shared_experts") * expert_wide
    if config.family.startswith("llama4"):
        shared = expert_wide
    if shared:
        yield from _mlp("shared", hidden, shared, sparse, sparse, gated)
    yield Linear("router", hidden, experts, sparse, sparse)


def _mlp(role: str, hidden: int, wide: int, copies: int, active: int, gated: bool) -> Iterator[Linear]:
    if copies:
        up = 2 if gated else 1
        yield Linear(role, hidden, wide, copies * up, active * up)
        yield Linear(role, wide, hidden, copies, active)


def _sparse_layers(config: _Config, layers: int) -> int:
    if config.family.startswith("llama4"):
        every = config.number("interleave_moe_layer_step") or 1
        return len(config.get("moe_layers", ())) or layers // every
    first = config.number("first_k_dense_replace")
    every = config.number("decoder_sparse_step", "moe_layer_freq") or 1
    dense = {place for place in config.get("mlp_only_layers", ()) if isinstance(place, int)}
    return sum(1 for place in range(first, layers) if (place + 1) % every == 0 and place not in dense)


def _kept_layers(config: _Config, layers: int) -> tuple[int, int, int]:
    """Layers that keep all tokens, layers that keep a window of them, and the window."""
    window = config.number("sliding_window", "attention_chunk_size")
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and len(kinds) == layers:
        windowed = sum(1 for kind in kinds if kind in ("sliding_attention", "chunked_attention"))
        full = sum(1 for kind in kinds if kind == "full_attention")
        return (full, windowed, window) if window else (full + windowed, 0, 0)
    if not window or config.get("use_sliding_window") is False:
        return layers, 0, 0
    if config.family.startswith("llama4"):
        every = config.number("no_rope_layer_interval") or 4
        return layers // every, layers - layers // every, window
    pattern = config.number("sliding_window_pattern") or {"gemma2": 2, "gemma3_text": 6, "gpt_oss": 2}.get(
        config.family, 0
    )
    if pattern:
        return layers // pattern, layers - layers // pattern, window
    if config.get("use_sliding_window") and config.family.startswith("qwen"):
        full = min(layers, config.number("max_window_layers"))
        return full, layers - full, window
    return 0, layers, window


def _kept_a_layer(config: _Config, kv_heads: int, head_dim: int) -> int:
    """Elements of a token in one layer: keys and values of the KV heads, or the compressed ones of latent attention."""
    rank = config.number("kv_lora_rank")
    return rank + config.number("qk_rope_head_dim") if rank else 2 * kv_heads * head_dim


def _norms_and_biases(
    config: _Config, layers: int, hidden: int, heads: int, kv_heads: int, head_dim: int
) -> int:  # fmt: skip
    family = config.family
    old = family in TWO_MATRICES
    norms = 1 if family in PARALLEL_NORM else 4 if family in ("gemma2", "gemma3_text") else 2
    a_norm = hidden * (2 if old else 1)
    a_layer = norms * a_norm
    if family.startswith("qwen3") or family == "gemma3_text":
        a_layer += 2 * head_dim
    if family.startswith("qwen2") or config.get("attention_bias"):
        a_layer += (heads + 2 * kv_heads) * head_dim
    if family in ("bloom", "gpt2", "opt", "gpt_neox", "phi", "starcoder2"):
        a_layer += (heads + 2 * kv_heads) * head_dim + 2 * hidden + 4 * hidden
    return layers * a_layer + a_norm


def _stored(given: Mapping[str, Any], config: _Config) -> str:
    """What its weights are stored in; names as in `formats`."""
    quantized = given.get("quantization_config") or config.get("quantization_config")
    if isinstance(quantized, dict):
        method = str(quantized.get("quant_method", ""))
        if method == "compressed-tensors":
            return _compressed(quantized)
        if method in ("gptq", "awq", "auto-round", "auto_round"):
            bits = quantized.get("bits") or quantized.get("w_bit") or 4
            return "w8a16" if bits == 8 else "awq" if method == "awq" else "gptq"
        if method == "bitsandbytes":
            return "bnb-nf4" if quantized.get("load_in_4bit") else "bnb-int8"
        return {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "mxfp4", "modelopt": "nvfp4"}.get(method, method or "bf16")
    kind = str(given.get("torch_dtype") or given.get("dtype") or config.get("torch_dtype") or config.get("dtype") or "")
    return "fp32" if kind.endswith("float32") else "bf16"


def _compressed(quantized: Mapping[str, Any]) -> str:
    groups = quantized.get("config_groups")
    first: dict[str, Any] = next(iter(groups.values()), {}) if isinstance(groups, dict) else {}
    weights, inputs = first.get("weights") or {}, first.get("input_activations")
    bits, kind = weights.get("num_bits", 8), weights.get("type", "int")
    if kind == "float":
        return "nvfp4" if bits == 4 else "fp8"
    return "gptq" if bits == 4 else "w8a8" if inputs else "w8a16"
