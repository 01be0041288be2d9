"""What Prometheus sees of the engine: every family by name, type and labels in `families`, values from the machine.

    metrics = Metrics(engine)                    # of an engine that was started
    task = asyncio.create_task(metrics.run())    # update() each METRICS_PUBLISH_INTERVAL_MS
    body, content_type = metrics.render()        # for GET /metrics; shows the last update

Counters of trading come out of the journaled state, so they go on where they were after a restart; those of the
process begin at 0.  A strategy goes by its id, which is unique, in the labels `strategy_name` and `strategy`.  Names
that people choose are bounded: the first so many of them are labels, the rest are told together as `other`.
"""

from live.metrics.families import FAMILIES, Family
from live.metrics.publisher import Metrics

__all__ = ["FAMILIES", "Family", "Metrics"]
