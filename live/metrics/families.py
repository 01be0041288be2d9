"""Every metric family: name, type, labels, and what it means.  Dashboards, alerts and documents keep to this list."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["ALERT_BOUNDS", "BY_NAME", "CHECK_BOUNDS", "EXECUTION_BOUNDS", "FAMILIES", "Family"]


class Family(NamedTuple):
    """kind: gauge, counter or histogram.  A counter's name ends with _total here, as it does on the wire."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


EXECUTION_BOUNDS: Final = (
    1e-5,
    2.5e-5,
    5e-5,
    1e-4,
    2.5e-4,
    5e-4,
    1e-3,
    2.5e-3,
    5e-3,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    1.0,
)
CHECK_BOUNDS: Final = (1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.1)
ALERT_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets, seconds."""

_GAUGE: Final = "gauge"
_COUNTER: Final = "counter"
_HISTOGRAM: Final = "histogram"

_STRATEGIES: Final = (
    Family(
        "trading_strategy_pnl",
        _GAUGE,
        ("strategy_name", "strategy_version"),
        "P&L after fees since the strategy was first seated, quote currency",
    ),
    Family(
        "trading_strategy_trades_total", _COUNTER, ("strategy_name", "side"), "Fills; side is buy or sell"
    ),
    Family(
        "trading_strategy_win_rate",
        _GAUGE,
        ("strategy_name",),
        "Share of closing fills that gained, 0 to 1; NaN before the first",
    ),
    Family(
        "trading_strategy_sharpe_ratio",
        _GAUGE,
        ("strategy_name",),
        "Annualised Sharpe ratio of P&L per minute over capital, risk-free rate 0; NaN before two samples",
    ),
    Family(
        "trading_strategy_restarts",
        _GAUGE,
        ("strategy_name",),
        "Restarts since a person started the strategy",
    ),
    Family(
        "trading_reconciliation_unexplained_bps",
        _GAUGE,
        ("strategy",),
        "P&L that no cause explains in the newest comparison of live with replay, basis points of the turnover",
    ),
    Family(
        "trading_reconciliation_failed",
        _GAUGE,
        ("strategy",),
        "1 where that comparison left something unexplained, or the strategy's code answers otherwise than it did",
    ),
    Family(
        "trading_reconciliation_time_seconds",
        _GAUGE,
        ("strategy",),
        "When live was last compared with replay, UTC seconds since 1970",
    ),
)

_RISK: Final = (
    Family("trading_risk_position_size", _GAUGE, ("symbol", "strategy"), "Signed units held, all venues"),
    Family(
        "trading_risk_drawdown",
        _GAUGE,
        ("strategy",),
        "Fall from the peak of capital + P&L, a share from 0 to 1",
    ),
    Family(
        "trading_risk_limit_breaches_total",
        _COUNTER,
        ("limit_type", "strategy"),
        "Rules that a strategy ran into, by reason code",
    ),
    Family(
        "trading_risk_circuit_breaker_triggered",
        _GAUGE,
        ("reason",),
        "Breakers latched now: one for the whole portfolio, one for each strategy; 0 for none",
    ),
    Family("trading_risk_circuit_breaker_trips_total", _COUNTER, (), "Times that any breaker has latched"),
    Family(
        "trading_risk_kill_switch_active",
        _GAUGE,
        ("scope",),
        "Kills in force; scope is all, strategy or venue",
    ),
    Family(
        "trading_risk_alert_latency_seconds",
        _HISTOGRAM,
        ("kind",),
        "From what an alert tells of to its publication, seconds; kind is risk_breach, risk_alert, breaker_tripped, "
        "breaker_reset or market_notice",
    ),
    Family(
        "trading_risk_overrides_active",
        _GAUGE,
        (),
        "Limits that two people have overridden for a while",
    ),
    Family(
        "trading_risk_limit",
        _GAUGE,
        ("limit_type",),
        "Limits in force, positive; +Inf is off: daily_loss, portfolio_gross, portfolio_var in quote currency, "
        "max_drawdown and strategy_drawdown as shares",
    ),
    Family("trading_portfolio_equity", _GAUGE, (), "Cash and positions at their marks, quote currency"),
    Family("trading_portfolio_drawdown", _GAUGE, (), "Fall of equity from its peak, a share from 0 to 1"),
    Family(
        "trading_portfolio_daily_pnl",
        _GAUGE,
        (),
        "Change of equity since 00:00 UTC or the daily-loss breaker's last reset, quote currency",
    ),
    Family("trading_portfolio_gross_exposure", _GAUGE, (), "Notional of all positions, quote currency"),
    Family(
        "trading_portfolio_value_at_risk",
        _GAUGE,
        (),
        "One-day value at risk as the rules last worked it out, quote currency",
    ),
)

_CHAOS: Final = (
    Family(
        "trading_chaos_strategy_active", _GAUGE, ("chaos_type", "strategy"), "1 while the strategy misbehaves"
    ),
    Family(
        "trading_chaos_recovery_time_seconds",
        _GAUGE,
        ("chaos_type", "strategy"),
        "From the end of the newest misbehaviour until nothing of it is held, works or is latched; NaN until then",
    ),
    Family(
        "trading_chaos_damage_usd",
        _GAUGE,
        ("chaos_type", "strategy"),
        "Lost by the strategy since it began to misbehave, up to the recovery; negative where it earned",
    ),
    Family(
        "trading_chaos_recovering",
        _GAUGE,
        ("chaos_type", "strategy"),
        "1 from the beginning of a misbehaviour until it is got over",
    ),
)

_ENGINE: Final = (
    Family("trading_engine_orders_per_second", _GAUGE, (), "Orders accepted a second since the last update"),
    Family(
        "trading_engine_strategy_execution_time",
        _HISTOGRAM,
        ("strategy",),
        "Time in a strategy's own code for one delivery, seconds",
    ),
    Family(
        "trading_engine_risk_check_latency",
        _HISTOGRAM,
        ("check_type",),
        "Seconds; check_type is pre_trade (to size, check and book one signal) or post_trade (to take one price or "
        "report of a venue with fills, ledger, monitors and breakers)",
    ),
    Family(
        "trading_engine_orders_total",
        _COUNTER,
        ("outcome",),
        "Orders by outcome: accepted or refused by risk",
    ),
    Family("trading_engine_fills_total", _COUNTER, (), "Executions"),
    Family("trading_engine_working_orders", _GAUGE, (), "Orders that work at venues"),
    Family("trading_engine_build_info", _GAUGE, ("version", "python"), "1; what runs"),
    Family(
        "trading_engine_start_time_seconds", _GAUGE, (), "When the engine was made, UTC seconds since 1970"
    ),
    Family("trading_engine_halted", _GAUGE, (), "1 where nothing can be recorded, so that nothing is traded"),
    Family(
        "trading_engine_uncertified_allowed",
        _GAUGE,
        (),
        "1 where strategies start that nobody has certified (REQUIRE_CERTIFICATE=false)",
    ),
    Family("trading_engine_state", _GAUGE, ("state",), "1 for the state that the engine is in"),
    Family(
        "trading_engine_problems",
        _GAUGE,
        (),
        "Reasons why the engine does not trade, or not everywhere; see /health",
    ),
    Family("trading_engine_strategies", _GAUGE, ("state",), "Strategies by state"),
    Family(
        "trading_engine_task_failures_total",
        _COUNTER,
        ("task",),
        "Errors that nobody had foreseen in work that goes on for as long as the engine; it is begun again",
    ),
    Family("trading_engine_hot_swaps_total", _COUNTER, (), "Versions that took over from a running one"),
    Family(
        "trading_engine_sandbox_level",
        _GAUGE,
        (),
        "Isolation in force: 0 none, 1 rlimits, 2 filtered, 3 bubblewrap, 4 container",
    ),
    Family("trading_engine_recovery_seconds", _GAUGE, (), "Time that recovery took at the last start"),
    Family("trading_engine_recovery_inputs", _GAUGE, (), "Inputs carried through again at the last start"),
    Family("trading_engine_inputs_total", _COUNTER, (), "Inputs carried through since the journal began"),
    Family("trading_engine_inbox_inputs", _GAUGE, (), "Inputs that wait for the writer"),
    Family("trading_engine_unsaved_blocks", _GAUGE, (), "Blocks carried through and not yet durable"),
    Family("trading_engine_unfit_inputs_total", _COUNTER, (), "Inputs that could not be acted on"),
    Family(
        "trading_engine_late_signals_total",
        _COUNTER,
        (),
        "Answers refused unseen, as their check could not finish within RISK_CHECK_TIMEOUT_MS",
    ),
    Family(
        "trading_engine_late_answers_total", _COUNTER, ("strategy",), "Answers later than STRATEGY_SOFT_MS"
    ),
    Family(
        "trading_engine_conflated_prices_total",
        _COUNTER,
        ("strategy",),
        "Prices replaced by a newer one before a slow strategy could be shown them",
    ),
    Family(
        "trading_engine_unanswered",
        _GAUGE,
        ("strategy",),
        "Deliveries that the strategy has not answered yet",
    ),
    Family("trading_engine_journal_commit_latency_seconds", _GAUGE, (), "Time that the last commit took"),
    Family("trading_engine_journal_lag_seconds", _GAUGE, (), "Age of the oldest record that is not durable"),
    Family("trading_engine_journal_backlog_records", _GAUGE, (), "Records appended and not durable"),
    Family(
        "trading_engine_journal_warnings",
        _GAUGE,
        (),
        "What was found wrong in the journal at the start and could be passed over; see the log",
    ),
    Family("trading_engine_journal_size_bytes", _GAUGE, (), "Size of the journal"),
    Family("trading_engine_journal_records_total", _COUNTER, (), "Durable records since the journal began"),
    Family("trading_engine_journal_commits_total", _COUNTER, (), "Commits of this process"),
    Family("trading_engine_events_total", _COUNTER, (), "Events published to readers of the stream"),
    Family("trading_engine_stream_readers", _GAUGE, (), "Readers of the event stream"),
    Family(
        "trading_engine_log_lines_dropped_total", _COUNTER, (), "Log lines left out, as there were too many"
    ),
    Family("trading_engine_loop_lag_seconds", _GAUGE, (), "How late the event loop woke the last update"),
    Family(
        "trading_engine_metrics_update_seconds", _GAUGE, (), "Time that the last update of these metrics took"
    ),
    Family(
        "trading_engine_names_folded",
        _GAUGE,
        ("label",),
        "Names told together as `other`, as there are too many; label is chaos_type, strategy or symbol",
    ),
)

_VENUES: Final = (
    Family("trading_venue_up", _GAUGE, ("venue",), "1 while the venue's session stands"),
    Family(
        "trading_venue_halted",
        _GAUGE,
        ("venue",),
        "1 while trading there is halted by a person or the engine",
    ),
    Family(
        "trading_venue_problem",
        _GAUGE,
        ("venue",),
        "1 while nothing is traded there: session down, being reconciled, or the venue disagrees",
    ),
    Family(
        "trading_venue_last_event_time_seconds", _GAUGE, ("venue",), "Newest event, UTC seconds since 1970"
    ),
    Family("trading_venue_reports_total", _COUNTER, ("venue",), "Execution reports since the start"),
    Family("trading_venue_reconnects_total", _COUNTER, ("venue",), "Sessions that came up after the first"),
    Family(
        "trading_venue_events_dropped_total", _COUNTER, ("venue",), "Events given up, as nobody took them"
    ),
)

FAMILIES: Final = _STRATEGIES + _RISK + _CHAOS + _ENGINE + _VENUES
BY_NAME: Final = {family.name: family for family in FAMILIES}
