"""What one turn of the writer did, and the kinds of records in a journal."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from live.machine import Input
from workbench.core.facts import Fact

__all__ = ["BLOCK", "SETUP", "Block", "Done"]

BLOCK: Final = "block"  # kind of a record that holds inputs
SETUP: Final = (
    "setup"  # kind of the first record, and a key of each snapshot's meta: what the machine is built from
)

type Done = asyncio.Future[list[Fact]]


class Block(msgspec.Struct):
    """What one turn did.  written: the inputs as bytes.  facts: in order, over all inputs.

    waiting: who wants to hear that it is durable.  stale: it became so only after the journal had failed and was
    resumed; what it wanted to send is not sent.
    """

    sequence: int
    ns: int
    inputs: list[Input]
    written: list[msgspec.Raw]
    facts: list[Fact]
    waiting: list[tuple[Done, list[Fact]]]
    stale: bool = False
