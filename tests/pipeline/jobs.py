"""Jobs by forks of a process that has imported their libraries: the same scripts, each in a process of its own.

Torch, transformers, pandas and others take seconds to import, and the tests run some two hundred jobs. What is imported
beforehand belongs to others; each job imports the package itself, from wherever it finds it.

    python jobs.py serve ADDRESS            until its standard input ends
    python jobs.py run ADDRESS SCRIPT       what `python SCRIPT` does
"""

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

LIBRARIES = (
    "matplotlib.figure", "matplotlib.backends.backend_agg", "numba", "numpy", "pandas", "pyarrow.parquet", "pydantic",
    "safetensors.torch", "scipy.optimize", "scipy.special", "scipy.stats", "sklearn.datasets",
    "sklearn.model_selection", "snakemake.script", "tokenizers", "torch", "tqdm.auto",
    "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
)  # fmt: skip


def run(address: str, script: str) -> int:
    """Have a script run with the arguments, folder, environment and streams of this process; its exit status."""
    message = "\0".join([script, str(Path.cwd()), *(f"{name}={value}" for name, value in os.environ.items())]).encode()
    with socket.socket(socket.AF_UNIX) as server:
        _connect(server, address)
        socket.send_fds(server, [len(message).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(message)
        return (server.recv(1) or b"\1")[0]


def _connect(client: socket.socket, address: str, patience: float = 600) -> None:
    """Once the server has imported its libraries."""
    end = time.monotonic() + patience
    while True:
        try:
            return client.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def serve(address: str) -> None:
    """Answer requests until standard input ends."""
    import selectors
    import socketserver
    from importlib import import_module

    for name in LIBRARIES:
        import_module(name)
    for context in ("typing_context", "target_context"):  # numba reads all that it knows at its first call otherwise
        getattr(import_module("numba.core.registry").cpu_target, context).refresh()

    class Handler(socketserver.BaseRequestHandler):
        """One job; itself a fork, which waits for it."""

        def handle(self) -> None:
            start, streams, _, _ = socket.recv_fds(self.request, 8, 3)
            length = int.from_bytes(start, "big")
            with self.request.makefile("rb") as file:
                script, folder, *environment = file.read(length).decode().split("\0")
            job = os.fork()
            if not job:
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                os.chdir(folder)
                os.environ.clear()
                os.environ.update(entry.split("=", 1) for entry in environment)
                _become(script)
            with selectors.DefaultSelector() as selector:
                selector.register(self.request, selectors.EVENT_READ)
                while not (ended := os.waitpid(job, os.WNOHANG))[0]:
                    if selector.select(0.01):  # who asked is gone
                        os.kill(job, 9)
                        os.waitpid(job, 0)
                        return
            code = os.waitstatus_to_exitcode(ended[1])
            self.request.sendall(bytes([code if code >= 0 else 128 - code]))

    class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
        request_queue_size = 64

    with Server(address, Handler) as server, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is server for key, _ in selector.select()):
            server.handle_request()
            server.service_actions()


def _become(script: str) -> None:
    """Run a script in this process, to the process's end."""
    import atexit
    import gc
    import runpy
    import traceback

    gc.freeze()  # what was imported: to look through it for garbage would copy its memory
    beside = str(Path(__file__).resolve().parent)
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [str(Path(script).parent), *given, *(path for path in sys.path if path != beside)]
    sys.argv = [script]
    sys.stdout.reconfigure(line_buffering=True)
    code = 1
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code & 255)


if __name__ == "__main__":
    sys.exit({"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:]))
