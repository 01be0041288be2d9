"""Token buckets: so many a second, and so many at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

__all__ = ["Bucket", "Buckets", "Throttle"]


_FAILURES_S: Final = 1.0  # wrong tokens from one address
_FAILURES: Final = 10.0


class Bucket:
    """Gives `rate` tokens a second and holds `burst` of them."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens = burst
        self._then = time.monotonic()

    def take(self) -> float:
        """Take a token: 0.0; or, where there is none, seconds until there is one."""
        wait = self.wait()
        if wait == 0.0:
            self._tokens -= 1.0
        return wait

    def wait(self) -> float:
        """Seconds until there is a token."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._then) * self._rate)
        self._then = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._rate


class Buckets:
    """A bucket for each name, of the `most` that were used last."""

    def __init__(self, rate: float, burst: float, most: int = 10_000) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, name: str) -> Bucket:
        bucket = self._of.get(name)
        if bucket is None:
            bucket = self._of[name] = Bucket(self._rate, self._burst)
            if len(self._of) > self._most:
                self._of.popitem(last=False)
        else:
            self._of.move_to_end(name)
        return bucket


class Throttle:
    """How often somebody may ask, by REST and gRPC together: `rate` a second and twice that at once.

    calls: by person (or address, where nobody is known).  failures: wrong tokens, by address.
    """

    def __init__(self, rate: float) -> None:
        self.calls = Buckets(rate, 2.0 * rate)
        self.failures = Buckets(_FAILURES_S, _FAILURES)
