"""The asyncio service round the machine: one writer, a pipeline to the journal, strategies, venues, events."""

from live.engine.catalog import Catalog, Script
from live.engine.engine import Engine
from live.engine.events import Event, EventStream, Subscription
from live.engine.roster import Last
from live.engine.runner import correlation_name
from live.engine.slots import StartRequest
from live.engine.strategies import Check, Strategies

__all__ = [
    "Catalog",
    "Check",
    "Engine",
    "Event",
    "EventStream",
    "Last",
    "Script",
    "StartRequest",
    "Strategies",
    "Subscription",
    "correlation_name",
]
