"""On which instruments a strategy was tested, and which of an engine's those are."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.errors import CertificateError

__all__ = ["certified_instruments", "instrument_names"]


def instrument_names(names: Iterable[str]) -> list[str]:
    """Instruments as a certificate names them: `symbol@venue`, each once, in order.

    Raises CertificateError where there is none, or a name has no symbol or venue.
    """
    found = sorted(set(names))
    if not found:
        raise CertificateError("a certificate names the instruments that were tested, found none")
    for name in found:
        symbol, _, venue = name.partition("@")
        if not symbol or not venue or "@" in venue or not name.isprintable():
            raise CertificateError(f"expected an instrument such as BTC-USD@exchange-1, found {name!r:.80}")
    return found


def certified_instruments(tested: Iterable[str], here: Iterable[str]) -> tuple[str, ...]:
    """Those of an engine's instruments, `symbol@venue`, that a certificate is of; in the order of `here`.

    Where the engine has one of the tested venues or more, the tested names count as they are. Else those venues are of
    a market that was made up, recorded or bought elsewhere, and the tested symbols count at every venue.
    """
    names, mine = set(tested), list(here)
    if {name.partition("@")[2] for name in names} & {name.partition("@")[2] for name in mine}:
        return tuple(name for name in mine if name in names)
    symbols = {name.partition("@")[0] for name in names}
    return tuple(name for name in mine if name.partition("@")[0] in symbols)
