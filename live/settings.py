"""Every setting of the engine, from the environment; a bad or unknown one stops the start with one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from workbench.errors import ConfigError

__all__ = ["PREFIXES", "Settings", "load_settings", "variables"]

PREFIXES = ("TRADING_ENGINE_", "WORKBENCH_LIVE_")
"""Variables with these beginnings must be settings; others of the environment are nobody's business here."""

type Port = Annotated[int, Field(ge=0, le=65535)]
type Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _env(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """Settings by the name of their environment variable, in lower case here.

    Ports: 0 takes a free one.  Times in the unit of the name.  Money in quote currency.  Paths are relative to the
    working folder.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, case_sensitive=True, env_prefix=""
    )

    # service
    host: str = Field("127.0.0.1", validation_alias=_env("TRADING_ENGINE_HOST"))
    port: Port = Field(8083, validation_alias=_env("TRADING_ENGINE_PORT"))
    grpc_port: Port = Field(50054, validation_alias=_env("TRADING_ENGINE_GRPC_PORT"))
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias=_env("TRADING_ENGINE_LOG_LEVEL")
    )
    data: Path = Field(Path("var/engine"), validation_alias=_env("TRADING_ENGINE_DATA"))
    journal_url: SecretStr = Field(SecretStr(""), validation_alias=_env("TRADING_ENGINE_JOURNAL_URL"))
    commit_interval_ms: Positive = Field(2.0, validation_alias=_env("TRADING_ENGINE_COMMIT_INTERVAL_MS"))
    snapshot_events: Annotated[int, Field(ge=1000)] = Field(
        200_000, validation_alias=_env("TRADING_ENGINE_SNAPSHOT_EVENTS")
    )
    journal_keep_days: Annotated[int, Field(ge=0)] = Field(
        0, validation_alias=_env("TRADING_ENGINE_JOURNAL_KEEP_DAYS")
    )
    record_market: bool = Field(True, validation_alias=_env("TRADING_ENGINE_RECORD_MARKET"))
    market_days: Annotated[int, Field(ge=1)] = Field(30, validation_alias=_env("TRADING_ENGINE_MARKET_DAYS"))
    tls_cert: Path | None = Field(None, validation_alias=_env("TRADING_ENGINE_TLS_CERT"))
    tls_key: Path | None = Field(None, validation_alias=_env("TRADING_ENGINE_TLS_KEY"))
    venues_file: Path = Field(Path("config/venues.yaml"), validation_alias=_env("TRADING_ENGINE_VENUES"))
    limits_file: Path = Field(Path("config/risk_limits.yaml"), validation_alias=_env("TRADING_ENGINE_LIMITS"))
    strategies_file: Path = Field(
        Path("config/strategies.yaml"), validation_alias=_env("TRADING_ENGINE_STRATEGIES")
    )
    chaos_file: Path = Field(
        Path("config/chaos_strategies.yaml"), validation_alias=_env("TRADING_ENGINE_CHAOS")
    )
    initial_cash: Positive = Field(1_000_000.0, validation_alias=_env("TRADING_ENGINE_INITIAL_CASH"))
    autostart: bool = Field(False, validation_alias=_env("TRADING_ENGINE_AUTOSTART"))
    requests_per_second: Positive = Field(200.0, validation_alias=_env("TRADING_ENGINE_REQUESTS_PER_SECOND"))

    # strategies
    strategies_path: Path = Field(Path("strategies"), validation_alias=_env("STRATEGIES_PATH"))
    strategy_auto_swap: bool = Field(False, validation_alias=_env("STRATEGY_AUTO_SWAP"))
    require_certificate: bool = Field(True, validation_alias=_env("REQUIRE_CERTIFICATE"))
    trusted_keys: Path | None = Field(None, validation_alias=_env("TRADING_ENGINE_TRUSTED_KEYS"))
    certification_file: Path = Field(
        Path("config/certification.yaml"), validation_alias=_env("TRADING_ENGINE_CERTIFICATION")
    )
    enable_chaos_strategies: bool = Field(False, validation_alias=_env("ENABLE_CHAOS_STRATEGIES"))
    enable_chaos_triggers: bool = Field(False, validation_alias=_env("ENABLE_CHAOS_TRIGGERS"))
    chaos_seed: Annotated[int, Field(ge=0)] = Field(0, validation_alias=_env("TRADING_ENGINE_CHAOS_SEED"))
    strategy_isolation: Literal["sandbox", "container", "thread"] = Field(
        "sandbox", validation_alias=_env("STRATEGY_ISOLATION")
    )
    strategy_isolation_minimum: Literal["none", "rlimits", "filtered", "bubblewrap", "container"] = Field(
        "filtered", validation_alias=_env("STRATEGY_ISOLATION_MINIMUM")
    )
    strategy_memory_mb: Annotated[int, Field(ge=16)] = Field(512, validation_alias=_env("STRATEGY_MEMORY_MB"))
    strategy_soft_ms: Positive = Field(50.0, validation_alias=_env("STRATEGY_SOFT_MS"))
    strategy_hard_ms: Positive = Field(1000.0, validation_alias=_env("STRATEGY_HARD_MS"))
    strategy_restarts: Annotated[int, Field(ge=0)] = Field(3, validation_alias=_env("STRATEGY_RESTARTS"))
    max_concurrent_strategies: Annotated[int, Field(ge=1, le=1000)] = Field(
        10, validation_alias=_env("MAX_CONCURRENT_STRATEGIES")
    )

    # risk
    enable_pre_trade_risk: bool = Field(True, validation_alias=_env("ENABLE_PRE_TRADE_RISK"))
    enable_circuit_breakers: bool = Field(True, validation_alias=_env("ENABLE_CIRCUIT_BREAKERS"))
    risk_check_timeout_ms: Positive = Field(100.0, validation_alias=_env("RISK_CHECK_TIMEOUT_MS"))
    emergency_liquidation_enabled: bool = Field(True, validation_alias=_env("EMERGENCY_LIQUIDATION_ENABLED"))

    # performance
    order_queue_size: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10_000, validation_alias=_env("ORDER_QUEUE_SIZE")
    )
    metrics_publish_interval_ms: Positive = Field(
        1000.0, validation_alias=_env("METRICS_PUBLISH_INTERVAL_MS")
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` passes, which looks at the environment by itself."""
        return (init_settings,)

    @field_validator("host")
    @classmethod
    def _some_host(cls, host: str) -> str:
        if not host.strip():
            raise ValueError("expected a host name or address, found nothing")
        return host

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError(
                "TRADING_ENGINE_TLS_CERT and TRADING_ENGINE_TLS_KEY go together; only one is set"
            )
        if self.enable_chaos_triggers and not self.enable_chaos_strategies:
            raise ValueError(
                "ENABLE_CHAOS_TRIGGERS=true needs ENABLE_CHAOS_STRATEGIES=true, which is not set"
            )
        if self.strategy_hard_ms < self.strategy_soft_ms:
            raise ValueError("STRATEGY_HARD_MS must not be below STRATEGY_SOFT_MS")
        return self

    @property
    def journal(self) -> str:
        """URL of the journal: what is set, or a file in the data folder."""
        return self.journal_url.get_secret_value() or f"sqlite:///{self.data / 'journal.sqlite'}"


def variables() -> dict[str, str]:
    """Environment variable of each setting: name of the setting."""
    found: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            found[str(alias.choices[0])] = name
    return found


def load_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment, `given` (by setting name) first.

    Raises ConfigError of one line: the variable, what was expected, what was found.
    """
    environment = os.environ if environment is None else environment
    known = variables()
    for name in environment:
        if name.startswith(PREFIXES) and name not in known:
            near = ", ".join(sorted(known))
            raise ConfigError(f"{name} is no setting of the engine; there is: {near}")
    values = {known[name]: value for name, value in environment.items() if name in known}
    try:
        return Settings(**{**values, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]) if first["loc"] else ""
        by_name = {setting: variable for variable, setting in known.items()}
        label = by_name.get(where, where)
        found = "" if not where else f", found {first['input']!r}"
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{label}: {message}{found}" if label else message) from error
