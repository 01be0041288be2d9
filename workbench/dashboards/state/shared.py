"""What several pages ask for alike is worked out once, and given to each of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

__all__ = ["Shared"]


class Shared[V]:
    """The newest `most` answers by what was asked.  They are handed to several pages: nothing may change them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = Lock()

    def of(
        self, asked: Hashable | None, make: Callable[[], V], worth: Callable[[V], bool] = lambda _: True
    ) -> V:
        """The answer to `asked`, made where there is none yet, and kept where it is `worth` it.

        asked: None for what nobody else can ask for alike.  Two that ask at once may both make it: who waited for
        another could neither see how far it is nor stop it.
        """
        if asked is None:
            return make()
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        made = make()
        if worth(made):
            with self._lock:
                self._kept[asked] = made
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return made
