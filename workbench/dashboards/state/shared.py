"""What several pages ask for alike is worked out once, and given to each of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

__all__ = ["Shared"]


class Shared[V]:
    """The newest `most` answers by what was asked, none of them None.

    They are handed to several pages: nothing may change them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = Lock()

    def kept(self, asked: Hashable | None) -> V | None:
        """The answer to `asked` that is there already; None where it would have to be made."""
        with self._lock:
            if asked is None or asked not in self._kept:
                return None
            self._kept.move_to_end(asked)
            return self._kept[asked]

    def of(
        self, asked: Hashable | None, make: Callable[[], V], worth: Callable[[V], bool] = lambda _: True
    ) -> V:
        """The answer to `asked`, made where there is none yet, and kept where it is `worth` it.

        asked: None for what nobody else can ask for alike.  Two that ask at once may both make it: who waited for
        another could neither see how far it is nor stop it.
        """
        if (found := self.kept(asked)) is not None:
            return found
        made = make()
        if asked is not None and worth(made):
            with self._lock:
                self._kept[asked] = made
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return made
