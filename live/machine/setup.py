"""What a machine is built from, and stays with."""

from __future__ import annotations

import base64
import binascii

import msgspec

from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.errors import JournalDamaged

__all__ = ["Setup", "read_setup", "write_setup"]


class Setup(msgspec.Struct, frozen=True):
    """What a machine is built from; another one cannot go on with its snapshot.

    costs: by venue.  remote: venues that match by themselves.  initial_cash: quote currency.  order_capacity: working
    orders at once.
    """

    instruments: tuple[Instrument, ...]
    costs: dict[str, Costs]
    remote: tuple[str, ...] = ()
    limits: RiskLimits = RiskLimits()
    initial_cash: float = 1_000_000.0
    order_capacity: int = 10_000


def write_setup(setup: Setup) -> str:
    """A set-up as text, for where only JSON may stand: limits that are off are infinite, which JSON cannot say."""
    return base64.b64encode(msgspec.msgpack.encode(setup)).decode()


def read_setup(text: object) -> Setup:
    """A set-up out of `write_setup`.  Raises JournalDamaged where it is none."""
    try:
        if not isinstance(text, str):
            raise TypeError(f"found {type(text).__name__}")
        return msgspec.msgpack.decode(base64.b64decode(text, validate=True), type=Setup)
    except (TypeError, binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise JournalDamaged(
            f"expected a set-up in the snapshot's meta, found none that can be read: {error}"
        ) from error
