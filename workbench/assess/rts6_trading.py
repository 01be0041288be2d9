"""RTS 6, what holds while it trades: kill functionality, pre-trade and post-trade controls, monitoring, access."""

from __future__ import annotations

from typing import Final

from workbench.assess.controls import ALWAYS_ON, Control, tests_in

__all__ = ["TRADING"]

_ORDERS: Final = "risk/test_order_limits.py"
_EXPOSURE: Final = "risk/test_exposure_limits.py"
_BREAKERS: Final = "risk/test_breakers.py"
_SWITCHES: Final = ("engine ENABLE_PRE_TRADE_RISK",)

TRADING: Final = (
    Control(
        "12(1)",
        "As an emergency measure, any or all orders that work can be cancelled at once, at any or all venues.",
        "kill switch for everything, one strategy or one venue; latched; it may also close what is held",
        (ALWAYS_ON,),
        tests_in(
            "live/engine/test_sessions.py", "the_kill_switch_takes_back_every_order_and_closes_what_is_held"
        )
        + tests_in("live/machine/test_machine.py", "a_kill_flattens_until_it_is_reset_by_a_person")
        + tests_in(_BREAKERS, "an_operators_cancel_and_a_manual_stop_need_no_room_in_any_bucket"),
    ),
    Control(
        "12(3)",
        "For each order it is known which algorithm sent it and who answers for it.",
        "each order carries the hash of its strategy's code and the person who started it",
        (ALWAYS_ON,),
        tests_in("live/engine/test_sessions.py", "every_order_names_its_algorithm_and_who_is_responsible"),
    ),
    Control(
        "14",
        "Trading goes on, or ends in order, whatever fails: arrangements for continuity, tried out.",
        "journal before effect; recovery after a crash to the state of a run that never crashed; cancel on disconnect; "
        "backup and restore",
        ("engine TRADING_ENGINE_COMMIT_INTERVAL_MS", "engine TRADING_ENGINE_SNAPSHOT_EVENTS"),
        tests_in(
            "live/engine/test_crash.py",
            "killed_at_a_boundary_of_the_journal",
            "killed_beside_an_exchange_that_lives_on",
        )
        + tests_in("faults/test_venues.py", "a_lost_session_has_its_orders_cancelled")
        + tests_in("live/test_operations.py", "a_backup_of_a_running_engine_starts_where_it_was_made"),
    ),
    Control(
        "15(1)(a)",
        "Price collars refuse orders whose price is too far from a reference.",
        "collar around the newest good price; a missing, old or unbelievable price refuses",
        (*_SWITCHES, "limits order_limits.price_collar_pct", "limits order_limits.max_price_age_seconds"),
        tests_in(_ORDERS, "price_collar", "a_stale_price_refuses", "a_missing_price_refuses")
        + tests_in("faults/test_market.py", "without_the_collar_stale_prices_are_traded_on"),
    ),
    Control(
        "15(1)(b)",
        "A largest order value keeps orders of uncommonly large value out of the book.",
        "cap on the value of each order",
        ("limits order_limits.max_order_value",),
        tests_in(
            _ORDERS,
            "max_order_value",
            "max_order_value_takes_the_dearer_of_price_and_mark_and_the_multiplier",
        )
        + tests_in("faults/test_orders.py", "without_the_caps_on_size_the_slip_is_traded"),
    ),
    Control(
        "15(1)(c)",
        "A largest order volume keeps orders of uncommonly large size out of the book.",
        "cap on the units of each order, and on its share of the average volume",
        ("limits order_limits.max_order_volume", "limits order_limits.max_volume_share"),
        tests_in(_ORDERS, "max_order_volume", "max_order_volume_as_a_share_of_the_average"),
    ),
    Control(
        "15(1)(d)",
        "A limit on messages keeps submissions, changes and cancels from flooding a venue.",
        "token buckets for each strategy and each venue, with room kept for emergency cancels",
        ("limits message_rate.per_strategy_per_second", "limits message_rate.per_venue_per_second"),
        tests_in(_ORDERS, "message_rate_of_a_strategy", "message_rate_of_a_venue_is_shared_by_all")
        + tests_in(
            "faults/test_orders.py",
            "a_cancel_flood_leaves_room_for_the_emergency_cancel",
            "without_the_token_bucket_and_the_breaker_a_runaway_is_not_contained",
        ),
    ),
    Control(
        "15(2)",
        "Every order counts against the limits from the moment it is sent.",
        "exposure is booked before an order leaves, and given back when it has ended",
        (ALWAYS_ON,),
        tests_in(
            _EXPOSURE,
            "position_limit_counts_what_is_held_and_what_works",
            "notional_counts_working_orders_and_the_multiplier",
        ),
    ),
    Control(
        "15(3)",
        "A strategy that executes again and again is stopped until a designated person lets it go on.",
        "throttle of repeated executions",
        ("limits repeated_execution.max_executions",),
        tests_in(_ORDERS, "the_throttle_disables_a_strategy_until_a_named_person_enables_it")
        + tests_in("faults/test_orders.py", "without_the_throttle_nothing_ends_the_child_orders"),
    ),
    Control(
        "15(4)",
        "Limits on market and credit risk by capital, strategy and tolerance for risk.",
        "position, notional, concentration and loss limits, leverage, value at risk, breakers",
        (
            "limits notional_limits.total_portfolio",
            "limits notional_limits.per_strategy",
            "limits buying_power.max_leverage",
            "limits drawdown_limits.portfolio_var",
        ),
        tests_in(
            _EXPOSURE, "notional_limit", "margin_is_gross_exposure_against_equity", "position_limit_from_flat"
        )
        + tests_in("risk/test_monitors.py", "portfolio_var_blocks_what_adds")
        + tests_in("risk/test_control_stops_it.py", "the_control_is_what_stops_it"),
    ),
    Control(
        "15(5)",
        "Orders are blocked or cancelled where the instrument is not permitted, or a threshold of risk is in danger.",
        "permitted and restricted instruments; circuit breakers that cancel and latch",
        ("engine ENABLE_CIRCUIT_BREAKERS", "limits circuit_breakers.portfolio_loss_pct"),
        tests_in(
            _ORDERS, "a_strategy_trades_only_what_it_is_permitted", "a_restricted_symbol_may_only_be_left"
        )
        + tests_in(
            _BREAKERS,
            "portfolio_loss_pct",
            "single_strategy_loss_leaves_the_others_trading",
            "a_breaker_cancels_what_works_and_lets_reducing_orders_pass",
        ),
    ),
    Control(
        "15(6)",
        "A blocked order goes through in exceptional cases only, verified and authorised by designated people.",
        "overrides of single limits: two people, a reason, an end; hard blocks cannot be overridden",
        (ALWAYS_ON,),
        tests_in("faults/test_overrides.py", "two_people_and_a_time", "a_hard_block_is_never_overridden"),
    ),
    Control(
        "16(1)-(4)",
        "Algorithmic trading is watched in real time, by others than the trader too, who can act on it.",
        "metrics, dashboards and streams for any person with a role; risk acts without the trader",
        ("engine METRICS_PUBLISH_INTERVAL_MS",),
        tests_in("live/api/test_auth.py", "each_role_gets_as_far_as_it_may_and_no_further")
        + tests_in(
            "live/metrics/test_contract.py", "the_promised_families_have_their_names_types_and_labels"
        ),
    ),
    Control(
        "16(5)",
        "Alerts come within five seconds of what they are about.",
        "breaches and trips are told with the price that caused them; how long each took is measured; each alert "
        "is tried against Prometheus",
        (ALWAYS_ON,),
        tests_in("risk/test_post_trade.py", "an_alert_tells_value_limit_and_time")
        + tests_in("live/metrics/test_values.py", "an_alert_is_measured_from_what_it_tells_of")
        + tests_in("live/metrics/test_alerts.py", "an_alert_fires_alone", "an_engine_that_is_well_is_silent"),
    ),
    Control(
        "17(1)-(3)",
        "Post-trade controls run all the time, and own records are reconciled with those of venues.",
        "drop copy against the ledger; trading stops where they disagree; live against replay each day",
        (ALWAYS_ON,),
        tests_in(
            "live/engine/test_sessions.py",
            "while_both_sides_disagree_nothing_is_traded",
            "an_order_that_works_at_the_venue_alone_is_taken_back",
        )
        + tests_in("live/venues/test_server_hostile.py", "a_drop_copy_sees_every_report_and_may_not_trade")
        + tests_in("reconcile/test_agreement.py", "on_a_simulated_venue_without_latency_every_fill_agrees"),
    ),
    Control(
        "18",
        "Systems are secure; who may do what is limited, and breaches can be found.",
        "roles and tokens, everything written down; strategies in a sandbox that keeps them from limits and files",
        ("engine STRATEGY_ISOLATION_MINIMUM",),
        tests_in("live/api/test_auth.py", "guessing_is_slowed_down_written_down_and_locks_nobody_else_out")
        + tests_in(
            "live/sandbox/test_layers.py",
            "both_levels_keep_out_everything_and_tell_of_the_attempt",
            "without_its_layers_the_attack_succeeds",
        ),
    ),
)
