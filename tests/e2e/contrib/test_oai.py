"""`OpenAIUser`: openai's real client, and a server that answers as OpenAI's does."""

from __future__ import annotations

import json

import pytest
from support.command import run_locust
from support.home import CONTRIB, command_of
from support.script import Route
from support.server import ScriptedServer

LOCUSTFILE = """
import json
from locust import task
from locust.contrib.oai import OpenAIUser
import gevent

class Asker(OpenAIUser):
    @task
    def ask(self):
        answer = self.client.responses.create(model="tiny", input="Say hello.")
        print("TEXT", json.dumps(answer.output_text))
        with self.client.rename_request("hello"):
            self.client.responses.create(model="tiny", input="Say hello.")
        try:
            self.client.models.retrieve("huge")
        except Exception as error:
            print("RAISED", json.dumps(type(error).__name__))
        STREAM
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""
STREAM = """
        pieces = self.client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "Hi."}], stream=True)
        print("STREAMED", json.dumps("".join(piece.choices[0].delta.content for piece in pieces)))
"""

ANSWER = {
    "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "tiny", "parallel_tool_calls": True,
    "tool_choice": "auto", "tools": [],
    "output": [{
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "hello", "annotations": []}],
    }],
    "usage": {
        "input_tokens": 3, "output_tokens": 17, "total_tokens": 20,
        "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
    },
}  # fmt: skip
JSON = (("Content-Type", "application/json"),)


def piece(text: str) -> str:
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "tiny",
        "choices": [{"index": 0, "delta": {"content": text}}],
    }
    return f"data: {json.dumps(chunk)}\n\n"


ROUTES = {
    "/v1/responses": [Route(body=json.dumps(ANSWER), headers=JSON)],
    "/v1/models/huge": [Route(status=404, body=json.dumps({"error": {"message": "no such model"}}), headers=JSON)],
    "/v1/chat/completions": [
        Route(body=piece("hel") + piece("lo") + "data: [DONE]\n\n", headers=(("Content-Type", "text/event-stream"),))
    ],
}


@pytest.mark.parametrize("streams", [False, pytest.param(True, marks=pytest.mark.ours("a stream raises"))])
def test_requests_are_reported_with_their_tokens(streams: bool) -> None:
    text = LOCUSTFILE.replace("        STREAM\n", STREAM if streams else "")
    with ScriptedServer(ROUTES) as server:
        key = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": f"{server.url}/v1"}
        result = run_locust(text, "-u", "1", "-t", "20s", env=key, command=command_of(CONTRIB))
        assert server.count("/v1/responses") == 2
    assert result.printed("TEXT") == ["hello"], result.stderr
    assert result.printed("RAISED") == ["NotFoundError"]
    for name in ("/v1/responses", "hello"):
        entry = result.entry(name, "POST")
        assert (entry.requests, entry.failures, entry.content_bytes) == (1, 0, 17)
    missing = result.entry("/v1/models/huge")
    assert (missing.requests, missing.failures) == (1, 1)
    if streams:
        assert result.printed("STREAMED") == ["hello"]
        assert result.entry("/v1/chat/completions", "POST").requests == 1
    assert result.total.requests == 3 + streams


def test_without_a_key_the_locustfile_is_refused() -> None:
    result = run_locust(
        "import locust.contrib.oai\n", "-t", "1s", command=command_of(CONTRIB), env={"OPENAI_API_KEY_": ""}
    )
    assert result.returncode != 0
    assert "You need to set OPENAI_API_KEY env var to use OpenAIUser" in result.stderr
