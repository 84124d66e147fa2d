"""YAML as plain values, or one line that says why not."""

from __future__ import annotations

from typing import Any

import yaml

_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: of two, one would pass unnoticed."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)  # as it is written: what `<<` merges may be there, too
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"key `{key.value}` is there twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return node


def plain_values(text: str) -> Any:
    """What a text of YAML holds.

    Raises
    ------
    ValueError
        If it is none, or a key is there twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise ValueError("brackets in brackets, too many to be read; mend them") from None
    except (yaml.YAMLError, ValueError) as error:  # a date that there is not, a number of thousands of digits
        raise ValueError(" ".join(str(error).split())) from None
