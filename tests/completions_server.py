"""A completions endpoint over a tiny language model that speaks the protocols there are, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch


class Completions:
    """What the server knows and does.

    Attributes
    ----------
    speaks
        What it understands: `prompt_logprobs`, `echo`, `top`.
    faults
        What is to go wrong with the next requests, one after the other: a status code, `cut`, `missing`, `name`,
        `nan`, `html`, `deep` (brackets in brackets), or `slow`: three seconds.
    received, headers
        Bodies and headers of all requests.
    noise, top
        σ of what is added to log-probabilities; next tokens it gives whatever it is asked for, if set.
    shifted
        Whether the scores of an echo are those of the next tokens, as llama.cpp's Python server has them at times.
    """

    def __init__(self, model: Any, speaks: tuple[str, ...], name: str = "tiny") -> None:
        self.model, self.speaks, self.name = model, set(speaks), name
        self.faults: list[Any] = []
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.retry_after: str | None = None
        self.most_at_once = self._now = 0
        self.noise, self.top, self.shifted = 0.0, 0, False
        self.lock = threading.Lock()

    def taken(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        """Note a request, and what is to go wrong with it."""
        with self.lock:
            self.received.append(body)
            self.headers.append(headers)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return self.faults.pop(0) if self.faults else None

    def done(self) -> None:
        with self.lock:
            self._now -= 1

    @torch.no_grad()
    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """A response, as vLLM, OpenAI or llama.cpp would give it."""
        tokenizer = self.model.tokenizer
        ids = tokenizer(body["prompt"])["input_ids"]
        log_probs = self.model.network(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        log_probs = log_probs + self.noise * torch.randn(log_probs.shape)
        tokens = [tokenizer.decode([token]) for token in ids]
        own = [None, *(log_probs[place, token].item() for place, token in enumerate(ids[1:]))]
        choice: dict[str, Any] = {"index": 0, "text": ";", "finish_reason": "length", "logprobs": None}
        if "prompt_logprobs" in body and "prompt_logprobs" in self.speaks:
            entry = [{str(token): {"logprob": score, "rank": 1, "decoded_token": text}}
                     for token, score, text in zip(ids, own, tokens, strict=True)]  # fmt: skip
            choice["prompt_logprobs"] = [None, *entry[1:]]
        elif body.get("echo") and "echo" in self.speaks:
            if self.shifted:
                own = [None, *(log_probs[place, token].item() for place, token in enumerate(ids) if place)]
            choice["logprobs"] = {"tokens": [*tokens, ";"], "token_logprobs": [*own, -1.0]}
        elif "logprobs" in body and not body.get("echo") and "top" in self.speaks:
            scores, best = log_probs[-1].topk(self.top or body["logprobs"])
            likely = {tokenizer.decode([token]): score.item() for token, score in zip(best, scores, strict=True)}
            choice["logprobs"] = {"tokens": [";"], "token_logprobs": [-1.0], "top_logprobs": [likely]}
        usage = {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}
        return {"object": "text_completion", "model": self.name, "choices": [choice], "usage": usage}


NO_JSON = {"html": b"<html>", "deep": b"[" * 100_000}
"""What stands in place of an answer, by the fault."""


def spoilt(answer: dict[str, Any], fault: str) -> dict[str, Any]:
    """A response that is well formed and wrong."""
    choice = answer["choices"][0]
    if fault == "name":
        return answer | {"model": "another"}
    if fault == "missing":
        return answer | {"choices": [choice | {"logprobs": None, "prompt_logprobs": None}]}
    if choice.get("prompt_logprobs"):
        for entry in choice["prompt_logprobs"][1:]:
            next(iter(entry.values()))["logprob"] = float("nan")
    else:
        choice["logprobs"]["token_logprobs"] = [float("nan")] * len(choice["logprobs"]["token_logprobs"])
    return answer


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        state = self.server.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = state.taken(body, dict(self.headers))
        try:
            if fault == "slow":
                time.sleep(3)
                fault = None
            if (body.get("logprobs") or 0) > 20 and not state.top:
                fault = 400  # as vLLM has it
            if isinstance(fault, int):
                key = self.headers.get("Authorization", "")
                content = json.dumps({"error": {"message": f"no:\n{key} is wrong"}}).encode()
            elif fault in NO_JSON:
                content = NO_JSON[fault]
            else:
                answer = state.answer(body)
                content = json.dumps(answer if fault in (None, "cut") else spoilt(answer, fault)).encode()
        finally:
            state.done()  # before the client can ask for more
        self._send(fault if isinstance(fault, int) else 200, content, short=fault == "cut")

    def _send(self, status: int, content: bytes, short: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status != 200 and self.server.state.retry_after is not None:
            self.send_header("Retry-After", self.server.state.retry_after)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if short else content)
        if short:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    state: Completions

    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that waits no longer has gone."""


@contextmanager
def serving(state: Completions) -> Iterator[str]:
    """The address of an endpoint while it runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
