"""A model of the user's own: a Python file with two functions, named in the configuration. That file is run."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import shutil
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from andor.data.table import ARRAYS, ROW
from andor.errors import UserError
from andor.files import canonical, digest, file_digest, first_line, link_or_copy
from andor.models.code import FOLDERS_FILE, with_neighbours
from andor.models.loaded import ArrayClassifier, logits_of

if TYPE_CHECKING:
    import pandas as pd

CODE = "own.py"
"""The file's copy in the model's folder."""
PACKAGE = "own"
"""Folder of the copies, where it imports neighbours."""
SOURCE = "source"
"""Folder of the model's weights in its folder."""
_log = logging.getLogger(__name__)


def keep(code: Path, source: Path | None, folder: Path) -> None:
    """Copy the Python file of a model, and neighbours it imports, into a folder, and link the files of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = with_neighbours(code)
    for module in modules:  # links would change with the files
        name = FOLDERS_FILE if module == code else module.relative_to(code.parent).as_posix()
        copy = folder / (CODE if len(modules) == 1 else f"{PACKAGE}/{name}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, copy)
    for file in [] if source is None else [source] if source.is_file() else sorted(source.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            place = file.name if source.is_file() else file.relative_to(source)
            link_or_copy(file, folder / SOURCE / place)


def _executed(path: Path, module: Any) -> None:
    """Run a file as a module, without the bytecode that Python would keep beside it, and could take for it."""
    exec(compile(path.read_bytes(), path, "exec"), vars(module))


class OwnModel(ArrayClassifier):
    """A model behind a function of inputs (B, …), B texts or B rows, that gives logits or probabilities (B, C)."""

    def __init__(
        self, folder: Path, description: dict[str, Any], mean: Tensor | pd.DataFrame | None, device: torch.device
    ) -> None:
        self._folder, self._device = folder, device
        self._outputs, self._model = self._loaded(description)
        network = self._model if isinstance(self._model, nn.Module) else nn.Module()
        super().__init__(network, description, mean)
        self.columns = ("text",) if mean is None else (ROW,) if description.get("rows") else ARRAYS
        self.gives = description["gives"]
        if self.columns == ARRAYS and "rows" not in description and hasattr(self._model, "feature_names_in_"):
            raise UserError(
                f"your model: `{description['load']}` gives an estimator that was fitted to columns by name; set "
                "`rows: true` to give it rows as they were, `rows: false` if it was fitted to standardised columns"
            )

    def _loaded(self, description: dict[str, Any]) -> tuple[Any, Any]:
        """The function that gives outputs, and what the other function gave it to work with."""
        package = self._folder / PACKAGE
        modules = sorted(package.rglob("*.py")) or [self._folder / CODE]
        path, places = (package / FOLDERS_FILE, [str(package)]) if package.is_dir() else (modules[0], None)
        sys.dont_write_bytecode |= package.is_dir()  # which would lie among the model's files
        name = f"andor_own_{digest([file_digest(module) for module in modules])[:16]}"
        spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses, pickles and neighbours look for the file's names
        source = self._folder / SOURCE
        files = sorted(source.iterdir()) if source.is_dir() else []
        given = None if not files else files[0] if len(files) == 1 and files[0].is_file() else source
        self._call("import", _executed, path, module)
        for name in (description["load"], description["outputs"]):
            if not callable(vars(module).get(name)):
                raise UserError(f"your model: its file has no function `{name}`; define it or name another")
        model = self._call(description["load"], vars(module)[description["load"]], given, str(self._device))
        return vars(module)[description["outputs"]], model

    def _call(self, name: str, function: Any, *arguments: Any) -> Any:
        """What a function of the user's gives; its own error ends in one line, and stands whole in the log."""
        try:
            return function(*arguments)
        except (UserError, KeyboardInterrupt):
            raise
        except BaseException as error:  # `sys.exit` in it would end the job as if all were done
            _log.exception("%s: %s failed", self._folder / CODE, name)
            raise UserError(
                f"your model: `{name}` failed: {type(error).__name__}: {first_line(error)}; see the log"
            ) from error

    @property
    def device(self) -> torch.device:
        """Where its inputs are."""
        return self._device

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the description, the Python files and all files of weights."""
        sha256 = hashlib.sha256(canonical(self.description).encode())
        for file in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            name = file.relative_to(self._folder).as_posix()
            if name == CODE or name.startswith((f"{SOURCE}/", f"{PACKAGE}/")):
                sha256.update(f"{name} {file_digest(file)}".encode())
        return sha256.hexdigest()

    def logits(self, inputs: Tensor | pd.DataFrame | list[str]) -> Tensor:
        """Logits (B, classes) float32 of inputs (B, …) float32, of B texts, or of B rows of a table."""
        return logits_of(self.outputs(inputs), self.gives).float()

    def outputs(self, inputs: Tensor | pd.DataFrame | list[str]) -> Tensor:
        """What the user's function gives, (B, classes)."""
        name = self.description["outputs"]
        read = inputs.to(self._device) if isinstance(inputs, Tensor) else inputs
        outputs = self._call(name, self._outputs, self._model, read)
        if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(inputs):
            given = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
            raise UserError(
                f"your model: `{name}` gave {given} for {len(inputs)} inputs; give a tensor ({len(inputs)}, C)"
            )
        return outputs
