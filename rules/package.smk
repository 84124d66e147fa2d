"""Where this workflow's files are; puts the package, and what scripts share, on the path of all that follows."""

import sys
from os import PathLike
from pathlib import Path
from shlex import quote
from subprocess import check_output, run
from tempfile import mkdtemp


def local(rules) -> Path:
    """The folder above the one with the rules; those of a git host are checked out below the folder of the run."""
    if isinstance(rules, (str, PathLike)):
        return Path(rules).parent
    clone = (
        rules.repo_path if hasattr(rules, "repo_path") else rules.hosted_repo.repo_clone
    )
    git = ["git", "-C", str(clone)]
    commit = check_output([*git, "rev-parse", f"{rules.ref}^{{commit}}"], text=True)
    folder = Path(".snakemake", "andor", commit.strip()).absolute()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(dir=folder.parent))
        archive = check_output([*git, "archive", commit.strip()])
        run(["tar", "-x", "-C", str(partial)], input=archive, check=True)
        partial.rename(folder)
    return folder


ROOT = local(workflow.current_basedir)
# The package goes before an installed copy of it, scripts go behind the libraries whose names some of them bear.
sys.path.insert(0, str(ROOT / "src"))
sys.path.append(str(ROOT / "workflow" / "scripts"))
# Snakemake writes its Python into shell commands as it is, where a space would end the name.
if Path(
    sys.executable
).exists():  # else it is quoted already, by a workflow that shares this process
    sys.executable = quote(sys.executable)
