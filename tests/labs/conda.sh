#!/usr/bin/env bash
# A real conda where no conda channel can be reached, in a folder of its own: the copy of conda's source that the PyPI
# package conda-lock ships, and a channel of files that stands for conda-forge. It holds one Python, made from a CPython
# tree of this machine, and pip; all else of an environment comes through its `pip:` part, as pip is configured here.
#
#   conda.sh DIR TREE [TREE ...]     TREE: a complete CPython, such as ~/.pyenv/versions/3.11.7
#   PATH=DIR/condabin:$PATH conda …
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
DIR=$1; shift
mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd -P)
base=$DIR/base scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$base"
pip() { "$base/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install boltons charset-normalizer distro jsonpatch packaging platformdirs pluggy pycosat requests ruamel.yaml \
  tqdm truststore zstandard archspec conda-package-handling conda-package-streaming
pip download --no-deps --dest "$scratch" conda-lock==4.0.3
"$base/bin/python" - "$scratch" <<'PY'
import shutil, sys, sysconfig, zipfile
from pathlib import Path

scratch, packages = Path(sys.argv[1]), Path(sysconfig.get_path("purelib"))
zipfile.ZipFile(next(scratch.glob("conda_lock-*.whl"))).extractall(scratch / "wheel")
shutil.copytree(scratch / "wheel/conda_lock/_vendor/conda", packages / "conda", dirs_exist_ok=True)
for file in (packages / "conda").rglob("*.py"):  # back to its own name
    text = file.read_text(encoding="utf-8")
    for name in ("conda_lock._vendor.conda", "conda_lock.vendor.conda"):
        text = text.replace(name, "conda")
    file.write_text(text.replace('".conda_lock"', '".conda"'), encoding="utf-8")
info = packages / "conda-24.7.1.dist-info"
info.mkdir(exist_ok=True)
(info / "METADATA").write_text("Metadata-Version: 2.1\nName: conda\nVersion: 24.7.1\n")
PY
mkdir -p "$base/conda-meta" "$base/etc/profile.d" "$DIR/condabin"
touch "$base/conda-meta/history"
cat >"$base/bin/conda" <<PY
#!$base/bin/python
import sys
from conda.cli import main
if __name__ == "__main__":  # conda looks for CUDA in a process of its own, which imports this file
    sys.exit(main())
PY
cat >"$base/etc/profile.d/conda.sh" <<SH
export CONDA_EXE='$base/bin/conda' _CE_M='' _CE_CONDA='' CONDA_PYTHON_EXE='$base/bin/python'
conda() {
  case "\${1-}" in
    activate | deactivate) local code; code="\$(PS1="\${PS1:-}" "\$CONDA_EXE" shell.posix "\$@")" || return; eval "\$code"; hash -r ;;
    *) "\$CONDA_EXE" "\$@" ;;
  esac
}
[ -n "\${CONDA_SHLVL:-}" ] || { export CONDA_SHLVL=0 PATH="$DIR/condabin:\$PATH"; }
SH
printf '#!/bin/sh\n. "%s" || return $?\nconda activate "$@"\n' "$base/etc/profile.d/conda.sh" >"$base/bin/activate"
chmod +x "$base/bin/conda" "$base/bin/activate"
ln -sf "$base/bin/conda" "$DIR/condabin/conda"
cat >"$base/.condarc" <<YML
solver: classic
channel_priority: strict
channel_alias: file://$DIR/channel
channels: [conda-forge]
default_channels: ["file://$DIR/channel/conda-forge"]
pkgs_dirs: ["$DIR/pkgs"]
envs_dirs: ["$DIR/envs"]
notify_outdated_conda: false
report_errors: false
number_channel_notices: 0
YML
pip download --no-deps --dest "$scratch/wheels" pip setuptools wheel
"$base/bin/python" "$here/channel.py" "$DIR/channel/conda-forge" "$scratch"/wheels/*.whl "$@"
"$DIR/condabin/conda" --version
