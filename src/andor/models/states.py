"""State dicts of others: tensors by name from a file, and into a network, whatever wraps them. Nothing is unpickled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from andor.errors import UserError
from andor.files import first_line

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")
"""Files of weights, the safest first; ``.pth.tar`` is what torch's own examples write, and no tar archive."""
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")
"""Keys under which checkpoints keep the state dict beside epochs and optimisers."""


def weights_file(source: Path) -> Path:
    """The file itself, or the one file of weights in a folder.

    Raises
    ------
    UserError
        If there is none, or more than one of a kind.
    """
    if source.is_file():
        return source
    for suffix in SUFFIXES:
        files = sorted(file for file in source.iterdir() if file.suffix == suffix)
        if len(files) == 1:
            return files[0]
        if files:
            raise UserError(f"{source}: holds {len(files)} {suffix} files; name one, in an archive with !member")
    raise UserError(f"{source}: holds no weights; name a file that ends in {', '.join(SUFFIXES)}")


def read_state(source: Path) -> dict[str, Tensor]:
    """Tensors by name, from a file or the one file of weights in a folder, without what wraps them.

    Raises
    ------
    UserError
        If the file is damaged or holds anything but tensors and plain values: no code in it is run.
    """
    file = weights_file(source)
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # what somebody made up can fail anywhere in the reader
        raise UserError(
            f"{file}: weights cannot be read ({reason(error)}); only tensors and plain values are taken from a "
            "pickle: save the state dict alone, best as safetensors"
        ) from None
    state = unwrapped(content)
    if not state:
        raise UserError(f"{file}: holds no tensors by name; save the state dict of the model")
    return state


def reason(error: Exception) -> str:
    """Why weights cannot be read, without torch's advice on how to run the code that a pickle holds.

    The pickle's author chose the name of what it holds: it is told only where it is a plain dotted name.
    """
    if not isinstance(error, UnpicklingError):
        return first_line(error)
    held = re.search(r"(?:GLOBAL |<class '|<function )([\w.]{1,100})(?![\w.])", str(error), re.ASCII)
    return f"the pickle holds {held[1]}" if held else "no pickle of tensors and plain values"


def unwrapped(content: Any) -> dict[str, Tensor]:
    """The tensors of a checkpoint: those in it, or under the key where checkpoints keep them."""
    seen: list[Any] = []  # a pickle can hold itself
    while isinstance(content, Mapping):
        seen.append(content)
        under = (content.get(key) for key in WRAPPERS)
        inner = next((value for value in under if isinstance(value, Mapping) and id(value) not in map(id, seen)), None)
        if inner is None:
            return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
        content = inner
    return {}


def fill(network: nn.Module, state: Mapping[str, Tensor], origin: Path) -> None:
    """Put a state dict into a network.

    Leading parts of the names that the network does not know are taken away: ``module.`` of parallel training, or the
    attribute under which a wrapper held the network (``bert.`` in the checkpoints of the ICLR 2024 authors). Further
    tensors in the state dict are passed over; none of the network's may be missing.

    Raises
    ------
    UserError
        If a tensor is missing or of another shape.
    """
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    prefix = _prefix(own, state)
    found = {name: state[prefix + name] for name in network.state_dict() if prefix + name in state}
    if missing := [name for name in own if name not in found]:
        known = ", ".join(list(state)[:3])
        raise UserError(
            f"{origin}: lacks {len(missing)} of {len(own)} weights of the architecture, such as {missing[0]} "
            f"(it has {known}, …); name the architecture it belongs to"
        )
    for name, tensor in found.items():
        if name in own and tensor.shape != own[name].shape:
            raise UserError(
                f"{origin}: {name} has the shape {tuple(tensor.shape)}, the architecture wants "
                f"{tuple(own[name].shape)}; name the architecture it belongs to"
            )
    network.load_state_dict(found, strict=False)


def classes_of(network: nn.Module, state: Mapping[str, Tensor]) -> int | None:
    """Outputs of the head in a state dict where it differs from the network's; None if nothing or more differs."""
    own = network.state_dict()
    prefix = _prefix(own, state)
    differing = {
        len(state[prefix + name])
        for name, tensor in own.items()
        if prefix + name in state and state[prefix + name].shape != tensor.shape
        if state[prefix + name].ndim == 0 or state[prefix + name].shape[1:] == tensor.shape[1:]
    }
    return differing.pop() if len(differing) == 1 else None


def _prefix(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """What stands before the network's names in a state dict: the shortest prefix under which most are found."""
    last = next(iter(own))
    prefixes = {name.removesuffix(last) for name in state if name.endswith(last)}
    prefixes = {prefix for prefix in prefixes if not prefix or prefix.endswith(".")} | {""}
    return max(sorted(prefixes, key=len), key=lambda prefix: sum(prefix + name in state for name in own))
