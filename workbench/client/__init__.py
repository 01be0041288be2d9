"""The live engine from a notebook or a script.

    with wb.EngineClient() as engine:              # finds a local engine and its token by itself
        engine.start("momentum", config={"lookback": 30})
        engine.positions()                         # DataFrame; so are orders, fills, pnl, performance, strategies
        engine.risk().status                       # typed answers
        for event in engine.stream("fills"):       # goes on after a break, where it left off
            ...

`AsyncEngineClient` has the same methods, to be awaited.  Errors are RequestError of one line.  Requests that change
something carry an idempotency key, so that what is asked again after a broken connection is done once.

`start_engine` starts an engine for practice beside the notebook, and is its client.
"""

from workbench.client.asynchronous import AsyncEngineClient
from workbench.client.local import LocalEngine, start_engine
from workbench.client.synchronous import EngineClient

__all__ = ["AsyncEngineClient", "EngineClient", "LocalEngine", "start_engine"]
