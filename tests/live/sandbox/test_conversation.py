"""What a process says of itself and of its errors comes through as short lines that can be printed."""

from __future__ import annotations

import pytest

from live.messages import Raised, Ready
from live.sandbox.contract import SandboxSettings
from live.sandbox.conversation import Conversation

HOSTILE = "a\nerror: \x1b[31mb\u2028\x00" + "c" * 10_000


@pytest.mark.parametrize("ready", [False, True])
def test_one_line_of_bounded_length(ready: bool) -> None:
    conversation = Conversation(SandboxSettings(), 0.0)
    message = Ready(HOSTILE, HOSTILE, "", {}, "order", 1.0, []) if ready else Raised(0, HOSTILE, HOSTILE)
    said = conversation.hear(message, 0.0)
    assert isinstance(said, Ready | Raised)
    texts = (said.name, said.version) if isinstance(said, Ready) else (said.call, said.error)
    for text, most in zip(texts, (100, 100 if ready else 2_000), strict=True):
        assert text.startswith("a error: [31mb c")
        assert text.isprintable()
        assert len(text) <= most
