"""The plan: what is tried, what its files will weigh, and whether this machine can do it; all before anything starts.

Memory: a back-end holds the model at 16 bits and what it makes of it; calibration adds what it keeps of one layer. The
factors are from runs of the three back-ends on a small model. Knows nothing of environments.
"""

import os
import shutil
from pathlib import Path

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost import memory
from farthing.selfhost.formats import FORMATS
from farthing.selfhost.gpus import Gpu
from farthing.selfhost.model_config import Shape, read
from farthing.selfhost.quantize import sizes
from farthing.selfhost.quantize.choosing import Chosen, Wanted, choose
from farthing.selfhost.quantize.matrices import Matrix, of_folder, undivided
from farthing.selfhost.quantize.schemes import GROUPS, Scheme
from farthing.selfhost.quantize.sizes import Size

TOOLS_BYTES = 700_000_000
"""Memory of the tools themselves."""
HELD = {"torchao": 1.4, "llm-compressor": 1.4, "auto-round": 4.0}
"""Times the model at 16 bits, while it is quantized."""
CONTEXT = 4096
"""Tokens of the sequence for which a GPU must have room."""


class Model(msgspec.Struct, frozen=True):
    """A folder with a model that can be quantized."""

    folder: Path
    shape: Shape
    matrices: list[Matrix]
    has_weights: bool

    @property
    def bytes16(self) -> int:
        return 2 * sum(each.elements for each in self.matrices)


class Step(msgspec.Struct, frozen=True):
    """One scheme that is tried."""

    scheme: Scheme
    group: int
    """Weights that share a scale; 0: rows."""
    method: str
    size: Size
    memory: int
    """Bytes that the back-end will need."""
    gpus: int
    """Of the wanted kind that a replica needs; 0 where it fits on none or there is none."""


class Plan(msgspec.Struct, frozen=True):
    name: str
    folder: str
    parameters: int
    before: Size
    gpus_before: int
    chosen: Chosen
    steps: tuple[Step, ...]
    disk: int
    """Bytes that are needed where the result goes."""
    disk_free: int
    memory_free: int
    """0 where this machine does not say."""
    troubles: tuple[str, ...]
    """Why it cannot start."""

    @property
    def doubt(self) -> str:
        """What may go wrong; empty where nothing is foreseen."""
        need = max(each.memory for each in self.steps)
        if not self.memory_free or need <= self.memory_free:
            return ""
        return f"some {sizes.shown(need)} of memory may be needed, {sizes.shown(self.memory_free)} are free"


def model_of(folder: Path) -> Model:
    """Raises BadRequest where there is none, or it is quantized already."""
    if not folder.exists():
        raise BadRequest(f"there is no folder {folder}; the model must lie on this machine, nothing is fetched")
    if folder.is_file() and folder.suffix == ".gguf":
        raise BadRequest(f"{folder} is a GGUF file: quantize the model's safetensors, which it was made from")
    if not folder.is_dir():
        raise BadRequest(f"{folder} is no folder with a model in it")
    if not (folder / "config.json").is_file():
        has = ", ".join(sorted(each.name for each in folder.iterdir())[:5]) or "nothing"
        raise BadRequest(f"{folder} has no config.json, so no model is in it; there is: {has}")
    shape = read(folder, folder.absolute().name)
    if shape.stored not in ("bf16", "fp32"):
        raise BadRequest(f"{folder} is quantized already ({shape.stored}); begin with the model at 16 bits")
    matrices = of_folder(folder, shape)
    if not any(each.kind == "linear" for each in matrices):
        raise BadRequest(f"{folder} has no matrix that could be quantized")
    return Model(folder, shape, matrices, any(folder.glob("*.safetensors")))


def plan(model: Model, wanted: Wanted, out: Path, *, method: str = "", group: int = 0, parallel: int = 1) -> Plan:
    """Raises BadRequest where nothing suits, or no group divides the model's rows."""
    chosen, steps = _steps(model, wanted, method, group, parallel)
    disk = round(1.1 * sum(each.size.total for each in steps)) + 50_000_000
    free, ram = disk_free(out), memory_free()
    return Plan(
        name=model.shape.name, folder=str(model.folder), parameters=sum(each.elements for each in model.matrices),
        before=sizes.before(model.folder, model.matrices),
        gpus_before=_gpus(model, wanted.gpu, float(model.bytes16)),
        chosen=chosen, steps=steps, disk=disk, disk_free=free, memory_free=ram,
        troubles=tuple(_troubles(model, disk, free, TOOLS_BYTES + model.bytes16, ram)),
    )  # fmt: skip


def _steps(model: Model, wanted: Wanted, method: str, group: int, parallel: int) -> tuple[Chosen, tuple[Step, ...]]:
    """Of several that suit, those whose groups divide the model's rows. Raises BadRequest where none does, or one was named
    that does not."""
    chosen = choose(wanted)
    steps, refused = [], dict(chosen.refused)
    for each in chosen.schemes:
        try:
            steps.append(_step(model, each, wanted.gpu, method, group, parallel))
        except BadRequest as undivided_:
            if wanted.schemes or group or len(chosen.schemes) == 1:
                raise
            refused[each.name] = undivided_.message.removeprefix(f"{each.name}: ")
    kept = tuple(each.scheme for each in steps)
    return msgspec.structs.replace(chosen, schemes=kept, refused=refused), tuple(steps)


def _step(model: Model, scheme: Scheme, gpu: Gpu | None, method: str, group: int, parallel: int) -> Step:
    group = group_of(model.matrices, scheme, group, parallel)
    how = scheme.method if scheme.method == "rtn" else method or scheme.method
    size = sizes.after(model.folder, model.matrices, model.shape, scheme, group)
    return Step(scheme, group, how, size, _memory(model, scheme.backend, how), _gpus(model, gpu, float(size.weights)))


def group_of(matrices: list[Matrix], scheme: Scheme, asked: int, parallel: int) -> int:
    """The largest group that divides each row on each of `parallel` GPUs; 0 where the scheme has a scale a row. Raises
    BadRequest that names what is not divided."""
    if not scheme.group_bytes:
        return 0
    for group in (asked,) if asked else GROUPS:
        if not undivided(matrices, group, parallel):
            return group
    tried = asked or GROUPS[-1]
    left = undivided(matrices, tried, parallel)
    where = f" on {parallel} GPUs" if parallel > 1 else ""
    names = ", ".join(f"{each.name} ({each.columns:,})" for each in left[:3])
    fits = [each for each in GROUPS if not undivided(matrices, each, parallel)]
    cure = f"; a group of {fits[0]} does" if fits else "; choose a scheme with a scale a row, such as W8A16"
    raise BadRequest(
        f"{scheme.name}: rows of {len(left)} tensors do not split into groups of {tried}{where}: {names}{cure}"
    )


def _memory(model: Model, backend: str, method: str) -> int:
    need = TOOLS_BYTES + HELD[backend] * model.bytes16
    if (
        method != "rtn"
    ):  # of one layer: for each matrix the square of its inputs at 32 bits, twice, and what flows through
        need += 2 * 4 * max(each.columns for each in model.matrices if each.kind == "linear") ** 2 + 1_000_000_000
    return round(need)


def _gpus(model: Model, gpu: Gpu | None, weights: float) -> int:
    """With the engine's own needs and room for one sequence."""
    if gpu is None:
        return 0
    return memory.fewest_gpus(model.shape, FORMATS["bf16"], gpu, CONTEXT, weights=weights)


def _troubles(model: Model, disk: int, disk_free: int, ram: int, ram_free: int) -> list[str]:
    found = []
    if not model.has_weights:
        found.append(f"{model.folder} has no *.safetensors: only a plan can be made")
    if disk > disk_free:
        found.append(f"{sizes.shown(disk)} of disk are needed where the result goes, {sizes.shown(disk_free)} are free")
    if ram_free and ram > ram_free:
        found.append(f"{sizes.shown(ram)} of memory are needed for the model alone, {sizes.shown(ram_free)} are free")
    return found


def disk_free(where: Path) -> int:
    """Bytes that are free where a folder is, or will be."""
    place = where.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def memory_free() -> int:
    """Bytes that programs can still take; 0 where this machine does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
