"""Thresholds of a certification from YAML or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from workbench.configuration.certification_conduct import (
    CHAOS_RULES,
    NORMAL_RULES,
    STRESS_RULES,
    ChaosThresholds,
    NormalThresholds,
    StressThresholds,
)
from workbench.configuration.certification_evidence import (
    HONEST_RULES,
    SIGNIFICANT_RULES,
    HonestThresholds,
    SignificantThresholds,
)
from workbench.configuration.certification_rollout import (
    CANARY_RULES,
    CERTIFICATE_RULES,
    CanarySettings,
    CertificateSettings,
)
from workbench.configuration.located import Located, load_yaml, locate
from workbench.configuration.reading import check_keys, flag, items, number, table
from workbench.core.limit_bounds import Bound
from workbench.errors import ConfigError

__all__ = ["Thresholds", "load_thresholds"]

_RULES: Final[Mapping[str, Mapping[str, Bound]]] = {
    "normal": NORMAL_RULES,
    "honest": HONEST_RULES,
    "significant": SIGNIFICANT_RULES,
    "stress": STRESS_RULES,
    "chaos": CHAOS_RULES,
    "canary": CANARY_RULES,
    "certificate": CERTIFICATE_RULES,
}


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a certification requires; a section or line that is left out keeps the house figure.

    honest, significant, normal, stress, chaos: of the five families of checks.  canary, certificate: what follows.
    """

    normal: NormalThresholds = NormalThresholds()
    honest: HonestThresholds = HonestThresholds()
    significant: SignificantThresholds = SignificantThresholds()
    stress: StressThresholds = StressThresholds()
    chaos: ChaosThresholds = ChaosThresholds()
    canary: CanarySettings = CanarySettings()
    certificate: CertificateSettings = CertificateSettings()


_SECTIONS: Final = {field.name: field.type for field in msgspec.structs.fields(Thresholds)}


def load_thresholds(source: Path | str | Mapping[str, Any] | Thresholds | None) -> Thresholds:
    """Thresholds from a YAML file, from a mapping in its layout, or None for the house figures.

    Thresholds that are given as such are checked and returned.  Raises ConfigError, which names file, line and key,
    says what was expected and found, and how to mend it.
    """
    if source is None:
        return Thresholds()
    if not isinstance(source, Path | str | Mapping | Thresholds):
        raise ConfigError(f"expected a YAML file, a mapping or Thresholds, found {type(source).__name__}")
    tree = load_yaml(source) if isinstance(source, Path | str) else locate(source)
    check_keys(tree, _SECTIONS)
    return Thresholds(**{name: _read_section(name, entry) for name, entry in table(tree).items()})


def _read_section(name: str, node: Located) -> Any:
    """One section as its Struct: a number obeys its rule, a flag is true or false, a list has numbers."""
    kind, rules = _SECTIONS[name], _RULES[name]
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    table(node, "; fill it in, or take the line away to keep the house figures" if node.value is None else "")
    check_keys(node, fields)
    return kind(**{key: _read(entry, fields[key].type, rules.get(key)) for key, entry in table(node).items()})


def _read(node: Located, kind: Any, rule: Bound | None) -> Any:
    if kind is bool:
        return flag(node)
    if rule is None:
        raise node.error(f"no rule says what it may be; add one for {node.key} beside its section")
    if get_args(kind):
        return tuple(_number(entry, get_args(kind)[0], rule) for entry in items(node))
    return _number(node, kind, rule)


def _number(node: Located, kind: Any, rule: Bound) -> float | int:
    value = number(node, rule)
    return int(value) if kind is int else value
