"""A loopback server that speaks the Gemini API's and OpenAI's wire formats, as recorded from google-genai 3.4.

Queue failures with `fail`; everything else is answered by a function from the asked data to the answer's data.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, Any]
Answer = Callable[[dict[str, Any]], Any]


def tokens(text: str) -> int:
    """A token for four characters or for a sign of punctuation, whichever way a word falls: a little over len/4."""
    return sum(max(1, round(len(piece) / 4.5)) for piece in re.findall(r"\w+|[^\w\s]", text))


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> Reply:
    """An error body as Google's APIs send it."""
    return code, {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def quota(quota_id: str, delay: str = "0.7s") -> Reply:
    """429 with a quota and a delay."""
    return error(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota.",
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    )


def candidate(text: str | None, finish: str = "STOP", prompt: int = 100) -> dict[str, Any]:
    """A generateContent response with one candidate; without text when `text` is None."""
    row: dict[str, Any] = {"finishReason": finish, "index": 0}
    if text is not None:
        row["content"] = {"parts": [{"text": text}], "role": "model"}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": tokens(text or ""), "thoughtsTokenCount": 3}
    return {"candidates": [row], "usageMetadata": usage, "modelVersion": "gemini-test-001", "responseId": "r"}


def sensible(asked: dict[str, Any]) -> Any:
    """Judge every item as middling; write a blurb that repeats a sentence of the source."""
    if "item" in asked:
        first = re.split(r"(?<=\.) ", asked["item"]["text"])[0]
        return {"sentences": [{"text": first, "evidence": first}]}
    rows = [
        {"id": i["id"], "reason": "Solid work on a topic the readers follow.", "category": "rag", "secondary": "none"}
        for i in asked["items"]
    ]
    return {"items": [{**row, "relevance": 3, "novelty": 3} for row in rows]}


@dataclass
class GeminiServer:
    """What a test sees of the server: its address, what was asked, and how it answers."""

    url: str
    answer: Answer = sensible
    asked: list[dict[str, Any]] = field(default_factory=list)  # {"path", "headers", "body"}
    fail: deque[Reply | dict[str, Any] | bytes] = field(default_factory=deque)
    fail_in: str = ""  # the end of the paths that fail
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: int = 1  # polls before a batch has ended
    batch_state: str = "SUCCEEDED"
    batch_text: str = ""  # what a batch answers instead, if anything
    prompt_tokens: int = 0
    output_tokens: int = 0

    def data(self) -> list[dict[str, Any]]:
        """The JSON that each generateContent call carried."""
        return [json.loads(call["body"]["contents"][0]["parts"][0]["text"]) for call in self.asked]

    def generate(self, body: dict[str, Any]) -> dict[str, Any]:
        """A whole response to a request body."""
        text = body["contents"][0]["parts"][0]["text"]
        system = body.get("systemInstruction", {}).get("parts", [{}])[0].get("text", "")
        schema = json.dumps(body.get("generationConfig", {}).get("responseSchema", ""))
        response = candidate(json.dumps(self.answer(json.loads(text)), ensure_ascii=False))
        usage = response["usageMetadata"]
        usage["promptTokenCount"] = tokens(text) + tokens(system) + tokens(schema)
        self.prompt_tokens += usage["promptTokenCount"]
        self.output_tokens += usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
        return response


@contextmanager
def running(answer: Answer = sensible) -> Iterator[GeminiServer]:
    """Serve on a free port for the length of the block."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    server = GeminiServer(f"http://127.0.0.1:{httpd.server_port}", answer)
    httpd.digest_server = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Keep test output quiet."""

    def do_GET(self) -> None:
        self._route({})

    def do_POST(self) -> None:
        self._route(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _route(self, body: dict[str, Any]) -> None:
        server: GeminiServer = self.server.digest_server  # type: ignore[attr-defined]
        path = self.path.split("?")[0]
        server.asked.append({"path": path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body})
        if server.fail and path.endswith(server.fail_in):
            return self._send(server.fail.popleft())
        if path.endswith(":generateContent"):
            return self._send(server.generate(body))
        if path.endswith(":batchGenerateContent"):
            return self._send(_start(server, body))
        if path.endswith("/batches"):
            return self._send({"operations": [_operation(name, job) for name, job in server.batches.items()]})
        if "/batches/" in path:
            return self._send(_poll(server, path.rpartition("/")[2]))
        if path.endswith("/chat/completions"):
            return self._send(_chat(server, body))
        return self._send(error(404, "NOT_FOUND", f"no route {path}"))

    def _send(self, reply: Reply | dict[str, Any] | bytes) -> None:
        status, payload = reply if isinstance(reply, tuple) else (200, reply)
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if raw.startswith(b"<") else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _start(server: GeminiServer, body: dict[str, Any]) -> dict[str, Any]:
    rows = body["batch"]["inputConfig"]["requests"]["requests"]
    answers: list[dict[str, Any]] = []
    for row in rows:
        response = candidate(server.batch_text) if server.batch_text else server.generate(row["request"])
        answers.append({"metadata": row.get("metadata"), "response": response})
    if len(answers) > 1:  # the last request of a job fails, as some do
        answers[-1] = {"metadata": answers[-1]["metadata"], "error": {"code": 503, "message": "unavailable"}}
    name = f"b{len(server.batches)}"
    mark = body["batch"].get("displayName")
    server.batches[name] = {"left": server.pending, "answers": answers, "displayName": mark}
    return _operation(name, server.batches[name])


def _operation(name: str, job: dict[str, Any]) -> dict[str, Any]:
    metadata = {"state": "BATCH_STATE_PENDING", "model": "models/m", "displayName": job["displayName"]}
    return {"name": f"batches/{name}", "metadata": metadata}


def _poll(server: GeminiServer, name: str) -> dict[str, Any]:
    job = server.batches[name]
    job["left"] -= 1
    if job["left"] >= 0:
        return {"name": f"batches/{name}", "metadata": {"state": "BATCH_STATE_RUNNING"}}
    output = {"inlinedResponses": {"inlinedResponses": job["answers"]}}
    state = f"BATCH_STATE_{server.batch_state}"
    return {"name": f"batches/{name}", "metadata": {"state": state, "output": output}, "done": True}


def _chat(server: GeminiServer, body: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(server.answer(json.loads(body["messages"][1]["content"])))
    return {
        "model": "local-test",
        "choices": [{"message": {"role": "assistant", "content": f"```json\n{text}\n```"}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 50,
            "completion_tokens": 20,
            "completion_tokens_details": {"reasoning_tokens": 5},
            "prompt_tokens_details": {"cached_tokens": 10},
        },
    }
