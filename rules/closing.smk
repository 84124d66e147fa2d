"""The last lines on the terminal: where the results are, or which jobs failed and why."""

import os
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
    """Lines on each job that was not made in the end: its rule, its log and the last line in that; what a cluster says.

    A job that failed at first and was made by a retry is none of them.
    """
    text = "".join(
        Path(log).read_text(encoding="utf-8", errors="replace") for log in logs
    )
    groups = r"message: Error in group .*\n +log: (\S+) .*\n +jobs:\n((?: {8}.*\n)+)"
    # A job in a group does not name the group's log on the cluster in its own error.
    slurm = {}
    for path, jobs in re.findall(groups, text):
        slurm.update(dict.fromkeys(re.findall(r"jobid: (\d+)", jobs), path))
    told = {}
    for error in re.split(r"^ *Error in rule\b", text, flags=re.M)[1:]:
        head = re.match(r" (\w+):\n +message: (.*?)\n +jobid: (\d+)", error, re.S)
        name, message, job = head.groups()
        log = re.search(r"^ +log: (.+) \(check log", error, re.M)
        own, *others = log[1].split(", ") if log else [""]
        if job in slurm:
            others.append(slurm[job])
        told[job] = [f"{name}: {own}: {last_line(own)}"]
        said = re.split("For further error details|sbatch call:", message)[0].split()
        if said and said != ["None"]:
            told[job].append("  " + " ".join(said))
        for path in filter(os.path.exists, others):
            told[job].append(f"  see {os.path.relpath(path)}")
    for job in re.findall(r"^Finished jobid: (\d+)", text, re.M):
        told.pop(job, None)
    return [line for lines in told.values() for line in lines]


def last_line(path: str) -> str:
    """The last line of a log that says something."""
    file = Path(path)
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return (text.strip().splitlines() or ["no log"])[-1]


onsuccess:
    print("Done. Look at:", *made(config["tasks"]), sep="\n  ")
    print("As one page: snakemake --report report.zip")


onerror:
    refused = filter(None, map(refusal, ("results", "logs")))
    print("Not all could be made:", *failed(log), *refused, sep="\n  ")
    print("What is done is kept: mend the cause and give the same command again.")
