"""The last lines on the terminal: where the results are, or which jobs failed and why."""

import re
from pathlib import Path


def made(tasks) -> list[str]:
    """Where to look first, of what there is."""
    paths = [
        f"results/{task}/{place}"
        for task in tasks
        for place in ("figures", "tables/summary.csv")
    ]
    return [path for path in [*paths, "results/provenance.json"] if Path(path).exists()]


def failed(logs: list[str]) -> list[str]:
    """A line for each failed job of a run: its rule, its log and the last line in that."""
    text = "".join(
        Path(log).read_text(encoding="utf-8", errors="replace") for log in logs
    )
    lines = []
    for rule, path in re.findall(
        r"^Error in (?:group|rule) (\w+).*?^ +log: ([^\s,]+)", text, re.M | re.S
    ):
        last = (
            Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
            if Path(path).exists()
            else []
        )
        told = next((line for line in reversed(last) if line.strip()), "no log")
        lines.append(f"{rule}: {path}: {told.strip()}")
    return list(dict.fromkeys(lines))


onsuccess:
    note([], FAILED)
    print("Done. Look at:", *made(config["tasks"]), sep="\n  ")
    print("As one page: snakemake --report report.zip")


onerror:
    refused = filter(None, map(refusal, ("results", "logs")))
    print("Not all could be made:", *failed(log), *refused, sep="\n  ")
    print("What is done is kept: mend the cause and give the same command again.")
