"""What every script does around its work: log, number of threads, and one-line errors."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from andor.errors import UserError


class Tee:
    """Standard error that is also kept in the rule's log, with progress bars as lines of their own."""

    def __init__(self, terminal: TextIO, log: TextIO) -> None:
        self.terminal, self.log = terminal, log

    def write(self, text: str) -> int:
        self.terminal.write(text)
        return self.log.write(text.replace("\r", "\n"))

    def flush(self) -> None:
        self.terminal.flush()
        self.log.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()

    def fileno(self) -> int:
        return self.terminal.fileno()


def fetched(folders: list[str]) -> Path | None:
    """What a rule's `source` input gives: the one file in its folder, the folder if it holds more, or no source."""
    if not folders:
        return None
    files = [path for path in Path(folders[0]).iterdir() if not path.name.startswith(".")]
    return files[0] if len(files) == 1 and files[0].is_file() else Path(folders[0])


def device(snakemake: Any) -> str:
    """The configured device, `auto` resolved.

    Raises
    ------
    UserError
        If CUDA is asked for and there is none.
    """
    import torch

    name = snakemake.config.get("device", "auto")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(
            f"`device: {name}`: no CUDA device here; set `device: cpu`, or run the job on a node with a GPU"
        )
    return name


def run(main: Callable[[Any], None], names: dict[str, Any]) -> None:
    """Call ``main(snakemake)`` if Snakemake started the script; importing the script does nothing."""
    if "snakemake" not in names:
        return
    snakemake = names["snakemake"]
    # Read when numpy and torch are first imported: a job uses the cores it was given and no more.
    os.environ.update(
        dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(snakemake.threads))
    )
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    log_path = Path(snakemake.log[0])
    with log_path.open("w", encoding="utf-8", buffering=1) as log:
        sys.stderr = Tee(sys.__stderr__, log)
        logging.basicConfig(level=logging.INFO, stream=log, format="%(asctime)s %(levelname)s %(message)s", force=True)
        logging.getLogger("fontTools").setLevel(logging.WARNING)  # a line for every table of every font otherwise
        try:
            main(snakemake)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(1)
        except Exception:
            log.write(traceback.format_exc())
            raise
        finally:
            sys.stderr = sys.__stderr__
