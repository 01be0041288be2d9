from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartStrategyRequest(_message.Message):
    __slots__ = ("script", "strategy_id", "config", "on_failure", "warm_up", "certificate")
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    script: str
    strategy_id: str
    config: _struct_pb2.Struct
    on_failure: str
    warm_up: bool
    certificate: str
    def __init__(self, script: _Optional[str] = ..., strategy_id: _Optional[str] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., on_failure: _Optional[str] = ..., warm_up: _Optional[bool] = ..., certificate: _Optional[str] = ...) -> None: ...

class StopStrategyRequest(_message.Message):
    __slots__ = ("strategy_id", "flatten", "reason")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    flatten: bool
    reason: str
    def __init__(self, strategy_id: _Optional[str] = ..., flatten: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class StrategyResponse(_message.Message):
    __slots__ = ("strategy_id", "strategy_name", "version", "state", "source_hash", "message", "since_ns")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_HASH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    strategy_name: str
    version: str
    state: str
    source_hash: str
    message: str
    since_ns: int
    def __init__(self, strategy_id: _Optional[str] = ..., strategy_name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[str] = ..., source_hash: _Optional[str] = ..., message: _Optional[str] = ..., since_ns: _Optional[int] = ...) -> None: ...

class StrategyStatusRequest(_message.Message):
    __slots__ = ("strategy_id",)
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    def __init__(self, strategy_id: _Optional[str] = ...) -> None: ...

class ListStrategiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListStrategiesResponse(_message.Message):
    __slots__ = ("strategies", "most")
    STRATEGIES_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    strategies: _containers.RepeatedCompositeFieldContainer[StrategySummary]
    most: int
    def __init__(self, strategies: _Optional[_Iterable[_Union[StrategySummary, _Mapping]]] = ..., most: _Optional[int] = ...) -> None: ...

class StrategySummary(_message.Message):
    __slots__ = ("strategy_id", "strategy_name", "version", "state", "reason", "since_ns", "started_ns", "restarts", "chaos", "person", "halted", "pnl", "gross_exposure", "fills", "halted_by")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    STARTED_NS_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    CHAOS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    PNL_FIELD_NUMBER: _ClassVar[int]
    GROSS_EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    HALTED_BY_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: _containers.RepeatedScalarFieldContainer[str]
    pnl: float
    gross_exposure: float
    fills: int
    halted_by: str
    def __init__(self, strategy_id: _Optional[str] = ..., strategy_name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., since_ns: _Optional[int] = ..., started_ns: _Optional[int] = ..., restarts: _Optional[int] = ..., chaos: _Optional[str] = ..., person: _Optional[str] = ..., halted: _Optional[_Iterable[str]] = ..., pnl: _Optional[float] = ..., gross_exposure: _Optional[float] = ..., fills: _Optional[int] = ..., halted_by: _Optional[str] = ...) -> None: ...

class StrategyStatus(_message.Message):
    __slots__ = ("strategy_id", "strategy_name", "version", "state", "reason", "since_ns", "started_ns", "restarts", "chaos", "person", "halted", "script", "source_hash", "on_failure", "config", "symbols", "capital", "pnl", "drawdown", "gross_exposure", "accepted", "refused", "fills", "breaches", "answered", "signals", "unanswered", "conflated", "answer_p50_ms", "answer_p99_ms", "errors", "newer_source_hash", "certificate", "capital_share", "halted_by")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    STARTED_NS_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    CHAOS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_HASH_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    CAPITAL_FIELD_NUMBER: _ClassVar[int]
    PNL_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    GROSS_EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    BREACHES_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_FIELD_NUMBER: _ClassVar[int]
    CONFLATED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_P50_MS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_P99_MS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    NEWER_SOURCE_HASH_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    CAPITAL_SHARE_FIELD_NUMBER: _ClassVar[int]
    HALTED_BY_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    strategy_name: str
    version: str
    state: str
    reason: str
    since_ns: int
    started_ns: int
    restarts: int
    chaos: str
    person: str
    halted: _containers.RepeatedScalarFieldContainer[str]
    script: str
    source_hash: str
    on_failure: str
    config: _struct_pb2.Struct
    symbols: _containers.RepeatedScalarFieldContainer[str]
    capital: float
    pnl: float
    drawdown: float
    gross_exposure: float
    accepted: int
    refused: int
    fills: int
    breaches: int
    answered: int
    signals: int
    unanswered: int
    conflated: int
    answer_p50_ms: float
    answer_p99_ms: float
    errors: _containers.RepeatedScalarFieldContainer[str]
    newer_source_hash: str
    certificate: str
    capital_share: float
    halted_by: str
    def __init__(self, strategy_id: _Optional[str] = ..., strategy_name: _Optional[str] = ..., version: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., since_ns: _Optional[int] = ..., started_ns: _Optional[int] = ..., restarts: _Optional[int] = ..., chaos: _Optional[str] = ..., person: _Optional[str] = ..., halted: _Optional[_Iterable[str]] = ..., script: _Optional[str] = ..., source_hash: _Optional[str] = ..., on_failure: _Optional[str] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., symbols: _Optional[_Iterable[str]] = ..., capital: _Optional[float] = ..., pnl: _Optional[float] = ..., drawdown: _Optional[float] = ..., gross_exposure: _Optional[float] = ..., accepted: _Optional[int] = ..., refused: _Optional[int] = ..., fills: _Optional[int] = ..., breaches: _Optional[int] = ..., answered: _Optional[int] = ..., signals: _Optional[int] = ..., unanswered: _Optional[int] = ..., conflated: _Optional[int] = ..., answer_p50_ms: _Optional[float] = ..., answer_p99_ms: _Optional[float] = ..., errors: _Optional[_Iterable[str]] = ..., newer_source_hash: _Optional[str] = ..., certificate: _Optional[str] = ..., capital_share: _Optional[float] = ..., halted_by: _Optional[str] = ...) -> None: ...

class GetPositionsRequest(_message.Message):
    __slots__ = ("strategy_id", "symbol")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    symbol: str
    def __init__(self, strategy_id: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class PositionsResponse(_message.Message):
    __slots__ = ("positions", "timestamp_ns")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    timestamp_ns: int
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., timestamp_ns: _Optional[int] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("strategy_id", "symbol", "venue", "quantity", "average_price", "mark", "mark_ns", "notional", "unrealised_pnl", "realised_pnl", "fees", "working_buy", "working_sell")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    MARK_NS_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    REALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    WORKING_BUY_FIELD_NUMBER: _ClassVar[int]
    WORKING_SELL_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    symbol: str
    venue: str
    quantity: float
    average_price: float
    mark: float
    mark_ns: int
    notional: float
    unrealised_pnl: float
    realised_pnl: float
    fees: float
    working_buy: float
    working_sell: float
    def __init__(self, strategy_id: _Optional[str] = ..., symbol: _Optional[str] = ..., venue: _Optional[str] = ..., quantity: _Optional[float] = ..., average_price: _Optional[float] = ..., mark: _Optional[float] = ..., mark_ns: _Optional[int] = ..., notional: _Optional[float] = ..., unrealised_pnl: _Optional[float] = ..., realised_pnl: _Optional[float] = ..., fees: _Optional[float] = ..., working_buy: _Optional[float] = ..., working_sell: _Optional[float] = ...) -> None: ...

class GetPortfolioRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PortfolioResponse(_message.Message):
    __slots__ = ("timestamp_ns", "initial_cash", "equity", "total_pnl", "realised_pnl", "unrealised_pnl", "fees", "day_pnl", "peak_equity", "drawdown", "gross_exposure", "net_exposure", "value_at_risk", "strategies", "exposures")
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CASH_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PNL_FIELD_NUMBER: _ClassVar[int]
    REALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    DAY_PNL_FIELD_NUMBER: _ClassVar[int]
    PEAK_EQUITY_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    GROSS_EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    NET_EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_AT_RISK_FIELD_NUMBER: _ClassVar[int]
    STRATEGIES_FIELD_NUMBER: _ClassVar[int]
    EXPOSURES_FIELD_NUMBER: _ClassVar[int]
    timestamp_ns: int
    initial_cash: float
    equity: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    day_pnl: float
    peak_equity: float
    drawdown: float
    gross_exposure: float
    net_exposure: float
    value_at_risk: float
    strategies: _containers.RepeatedCompositeFieldContainer[StrategyPnl]
    exposures: _containers.RepeatedCompositeFieldContainer[ExposureLine]
    def __init__(self, timestamp_ns: _Optional[int] = ..., initial_cash: _Optional[float] = ..., equity: _Optional[float] = ..., total_pnl: _Optional[float] = ..., realised_pnl: _Optional[float] = ..., unrealised_pnl: _Optional[float] = ..., fees: _Optional[float] = ..., day_pnl: _Optional[float] = ..., peak_equity: _Optional[float] = ..., drawdown: _Optional[float] = ..., gross_exposure: _Optional[float] = ..., net_exposure: _Optional[float] = ..., value_at_risk: _Optional[float] = ..., strategies: _Optional[_Iterable[_Union[StrategyPnl, _Mapping]]] = ..., exposures: _Optional[_Iterable[_Union[ExposureLine, _Mapping]]] = ...) -> None: ...

class StrategyPnl(_message.Message):
    __slots__ = ("strategy_id", "capital", "total_pnl", "realised_pnl", "unrealised_pnl", "fees", "drawdown")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    CAPITAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PNL_FIELD_NUMBER: _ClassVar[int]
    REALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_PNL_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    capital: float
    total_pnl: float
    realised_pnl: float
    unrealised_pnl: float
    fees: float
    drawdown: float
    def __init__(self, strategy_id: _Optional[str] = ..., capital: _Optional[float] = ..., total_pnl: _Optional[float] = ..., realised_pnl: _Optional[float] = ..., unrealised_pnl: _Optional[float] = ..., fees: _Optional[float] = ..., drawdown: _Optional[float] = ...) -> None: ...

class ExposureLine(_message.Message):
    __slots__ = ("symbol", "quantity", "net", "gross", "total_pnl")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PNL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: float
    net: float
    gross: float
    total_pnl: float
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[float] = ..., net: _Optional[float] = ..., gross: _Optional[float] = ..., total_pnl: _Optional[float] = ...) -> None: ...

class RiskStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RiskStatus(_message.Message):
    __slots__ = ("status", "timestamp_ns", "halted", "halted_strategies", "kills", "venues", "pre_trade_enabled", "circuit_breakers_enabled", "uses", "value_at_risk", "drawdown", "day_pnl", "working_orders", "orders_accepted", "orders_refused", "breaches", "alerts")
    class HaltedStrategiesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Names
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Names, _Mapping]] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    HALTED_STRATEGIES_FIELD_NUMBER: _ClassVar[int]
    KILLS_FIELD_NUMBER: _ClassVar[int]
    VENUES_FIELD_NUMBER: _ClassVar[int]
    PRE_TRADE_ENABLED_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKERS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    VALUE_AT_RISK_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    DAY_PNL_FIELD_NUMBER: _ClassVar[int]
    WORKING_ORDERS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORDERS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    BREACHES_FIELD_NUMBER: _ClassVar[int]
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    status: str
    timestamp_ns: int
    halted: _containers.RepeatedScalarFieldContainer[str]
    halted_strategies: _containers.MessageMap[str, Names]
    kills: _containers.RepeatedCompositeFieldContainer[KillView]
    venues: _containers.RepeatedCompositeFieldContainer[VenueRisk]
    pre_trade_enabled: bool
    circuit_breakers_enabled: bool
    uses: _containers.RepeatedCompositeFieldContainer[LimitUse]
    value_at_risk: float
    drawdown: float
    day_pnl: float
    working_orders: int
    orders_accepted: int
    orders_refused: int
    breaches: _containers.RepeatedCompositeFieldContainer[BreachCount]
    alerts: _containers.RepeatedCompositeFieldContainer[AlertLine]
    def __init__(self, status: _Optional[str] = ..., timestamp_ns: _Optional[int] = ..., halted: _Optional[_Iterable[str]] = ..., halted_strategies: _Optional[_Mapping[str, Names]] = ..., kills: _Optional[_Iterable[_Union[KillView, _Mapping]]] = ..., venues: _Optional[_Iterable[_Union[VenueRisk, _Mapping]]] = ..., pre_trade_enabled: _Optional[bool] = ..., circuit_breakers_enabled: _Optional[bool] = ..., uses: _Optional[_Iterable[_Union[LimitUse, _Mapping]]] = ..., value_at_risk: _Optional[float] = ..., drawdown: _Optional[float] = ..., day_pnl: _Optional[float] = ..., working_orders: _Optional[int] = ..., orders_accepted: _Optional[int] = ..., orders_refused: _Optional[int] = ..., breaches: _Optional[_Iterable[_Union[BreachCount, _Mapping]]] = ..., alerts: _Optional[_Iterable[_Union[AlertLine, _Mapping]]] = ...) -> None: ...

class Names(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class KillView(_message.Message):
    __slots__ = ("scope", "target", "person", "reason", "flatten")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    scope: str
    target: str
    person: str
    reason: str
    flatten: bool
    def __init__(self, scope: _Optional[str] = ..., target: _Optional[str] = ..., person: _Optional[str] = ..., reason: _Optional[str] = ..., flatten: _Optional[bool] = ...) -> None: ...

class VenueRisk(_message.Message):
    __slots__ = ("venue", "kind", "up", "halted", "problem")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    venue: str
    kind: str
    up: bool
    halted: bool
    problem: str
    def __init__(self, venue: _Optional[str] = ..., kind: _Optional[str] = ..., up: _Optional[bool] = ..., halted: _Optional[bool] = ..., problem: _Optional[str] = ...) -> None: ...

class LimitUse(_message.Message):
    __slots__ = ("limit_type", "value", "limit", "use")
    LIMIT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    limit_type: str
    value: float
    limit: float
    use: float
    def __init__(self, limit_type: _Optional[str] = ..., value: _Optional[float] = ..., limit: _Optional[float] = ..., use: _Optional[float] = ...) -> None: ...

class BreachCount(_message.Message):
    __slots__ = ("breach_type", "strategy_id", "count")
    BREACH_TYPE_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    breach_type: str
    strategy_id: str
    count: int
    def __init__(self, breach_type: _Optional[str] = ..., strategy_id: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class AlertLine(_message.Message):
    __slots__ = ("reason", "strategy_id", "value", "limit", "timestamp_ns")
    REASON_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_NS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    strategy_id: str
    value: float
    limit: float
    timestamp_ns: int
    def __init__(self, reason: _Optional[str] = ..., strategy_id: _Optional[str] = ..., value: _Optional[float] = ..., limit: _Optional[float] = ..., timestamp_ns: _Optional[int] = ...) -> None: ...

class RiskLimitsRequest(_message.Message):
    __slots__ = ("limits", "reason", "tag")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    limits: _struct_pb2.Struct
    reason: str
    tag: str
    def __init__(self, limits: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., reason: _Optional[str] = ..., tag: _Optional[str] = ...) -> None: ...

class RiskLimitsResponse(_message.Message):
    __slots__ = ("changed", "looser", "tag")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    LOOSER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    changed: _containers.RepeatedScalarFieldContainer[str]
    looser: _containers.RepeatedScalarFieldContainer[str]
    tag: str
    def __init__(self, changed: _Optional[_Iterable[str]] = ..., looser: _Optional[_Iterable[str]] = ..., tag: _Optional[str] = ...) -> None: ...

class ForceCloseRequest(_message.Message):
    __slots__ = ("strategy_id", "symbol", "venue", "reason")
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    strategy_id: str
    symbol: str
    venue: str
    reason: str
    def __init__(self, strategy_id: _Optional[str] = ..., symbol: _Optional[str] = ..., venue: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ForceCloseResponse(_message.Message):
    __slots__ = ("orders", "refused")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedScalarFieldContainer[int]
    refused: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, orders: _Optional[_Iterable[int]] = ..., refused: _Optional[_Iterable[str]] = ...) -> None: ...

class CircuitBreakerRequest(_message.Message):
    __slots__ = ("action", "reason", "strategy_id")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    action: str
    reason: str
    strategy_id: str
    def __init__(self, action: _Optional[str] = ..., reason: _Optional[str] = ..., strategy_id: _Optional[str] = ...) -> None: ...

class CircuitBreakerResponse(_message.Message):
    __slots__ = ("action", "strategy_id", "enabled", "halted")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_ID_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    action: str
    strategy_id: str
    enabled: bool
    halted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, action: _Optional[str] = ..., strategy_id: _Optional[str] = ..., enabled: _Optional[bool] = ..., halted: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamEventsRequest(_message.Message):
    __slots__ = ("kinds", "after", "run")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    after: int
    run: str
    def __init__(self, kinds: _Optional[_Iterable[str]] = ..., after: _Optional[int] = ..., run: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("sequence", "kind", "ns", "body")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    kind: str
    ns: int
    body: str
    def __init__(self, sequence: _Optional[int] = ..., kind: _Optional[str] = ..., ns: _Optional[int] = ..., body: _Optional[str] = ...) -> None: ...
