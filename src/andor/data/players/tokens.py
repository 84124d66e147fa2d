"""Players that are word pieces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from andor.data.player_kind import Choice, Chooser, PlayerKind
from andor.data.players.words import Word, spans
from andor.errors import UserError
from andor.files import first_line
from andor.settings import Name

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class TokenPlayers(PlayerKind):
    """All word pieces of the text as one tokenizer cuts it, the same for all models.

    Pieces that share a character are one player. Special tokens and pieces of white space alone are none. Samples are
    passed over where a model's own tokenizer has a piece with characters of two players.
    """

    of: ClassVar = {"text", "passage"}
    place: ClassVar = 8
    kind: Literal["tokens"]
    """Kind of players."""
    source: Name
    """An entry of `sources`: a folder with `tokenizer.json`, as models have it, or that file."""

    @property
    def count(self) -> None:
        """Texts differ."""
        return None

    @property
    def needed_source(self) -> str:
        """The tokenizer."""
        return self.source

    def chooser(self, metadata: Mapping[str, Any], seed: int, source: Path | None) -> Chooser:
        """Function from a row to the word pieces of its text."""
        cut = read_tokenizer(source, self)
        return lambda row: choose_tokens(row["text"], cut)


def read_tokenizer(source: Path | None, players: TokenPlayers) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a folder in the layout of transformers, or of a tokenizer.json.

    Raises
    ------
    UserError
        If there is none.
    """
    from transformers import AutoTokenizer  # takes seconds to import

    where = f"`players.source: {players.source}`: {source}"
    folder = Path(source or "")
    folder = folder.parent if folder.name == "tokenizer.json" else folder
    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{where} holds no tokenizer ({first_line(error)}); name one with tokenizer.json") from None
    # transformers makes a tokenizer of special tokens alone of a folder without a vocabulary
    if not found.is_fast or len(found) == len(found.all_special_ids):
        raise UserError(f"{where} holds no tokenizer.json; name a folder with one")
    return found


def choose_tokens(text: str, tokenizer: PreTrainedTokenizerFast) -> Choice:
    """All pieces of one text, without the white space around them."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    found: list[tuple[int, int]] = []
    for piece, (start, stop) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        own = text[start:stop]
        if piece in special or not own.strip():
            continue
        start += len(own) - len(own.lstrip())
        stop = start + len(own.strip())
        if found and start < found[-1][1]:  # a character of several bytes, each a piece
            start, stop = found[-1][0], max(stop, found.pop()[1])
        found.append((start, stop))
    return spans([Word(text[start:stop], start, stop) for start, stop in found])
