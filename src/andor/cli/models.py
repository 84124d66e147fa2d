"""What commands are given of models: a folder, a device, and what masks a player."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from andor.errors import UserError

if TYPE_CHECKING:
    from andor import config
    from andor.models.loaded import LoadedModel


def masking_of(
    baseline: str, damp: float | None, file: Path | None, background: str, blur: float | None = None
) -> config.Masking:
    """Masking as options say it, checked as the configuration is."""
    from pydantic import ValidationError

    from andor.config import Masking

    files = ["file", "learned", "marginal"]
    options = (("--damp", damp, ["damp"]), ("--blur", blur, ["blurred"]), ("--baseline-file", file, files))
    for option, value, names in options:
        if value is None and baseline in names:
            raise UserError(f"`--baseline {baseline}` needs `{option}`; add it")
        if value is not None and baseline not in names:
            raise UserError(f"`{option}` has no effect on `--baseline {baseline}`; use {' or '.join(names)}")
    values = {"baseline": baseline, "damp": damp, "blur": blur, "background": background}
    try:
        return Masking.model_validate(values | ({"source": "file"} if baseline == "file" else {}))
    except ValidationError as error:
        fault = error.errors()[0]
        raise UserError(
            f"`--{fault['loc'][0]} {fault['input']}`: {fault['msg'][0].lower()}{fault['msg'][1:]}"
        ) from None


def device_of(name: str) -> str:
    """The device that `--device` names, which must be there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError:
        kind = ""
    if kind not in ("cpu", "cuda"):
        raise UserError(f"`--device {name}`: write auto, cpu, cuda or cuda:N")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"`--device {name}`: no CUDA device here; write cpu")
    return name


def loaded_from(path: Path, device: str, dtype: str | None) -> LoadedModel:
    """A model the workflow made, one in the layout of transformers, or that of a GGUF file, unpacked for this run."""
    from andor.models.families.causal_lm import CausalLM
    from andor.models.files import DESCRIPTION
    from andor.models.loading import load, load_transformers

    if dtype not in (None, "float32", "bfloat16"):
        raise UserError(f"`--dtype {dtype}`: write float32 or bfloat16")
    if not path.exists():
        raise UserError(f"{path}: no such model; name a folder, or a GGUF file")
    if (path / DESCRIPTION).exists():
        if dtype is not None:
            raise UserError(f"`--dtype {dtype}`: {path / DESCRIPTION} says the precision; take it away")
        return load(path, device)
    if path.is_dir():
        return load_transformers(path, device, dtype or "float32")
    model = CausalLM(family="causal_lm", source="model", dtype=cast(Any, dtype or "float32"))
    with tempfile.TemporaryDirectory() as folder:
        model.make(None, path, None, Path(folder), seed=0)
        return load(Path(folder), device)
