"""RTS 6, what comes before it trades: testing, deployment, changes, stress tests; and what asks for nothing here."""

from __future__ import annotations

from typing import Final

from workbench.assess.controls import ALWAYS_ON, Control, NotApplicable, tests_in

__all__ = ["ELSEWHERE", "PREPARING"]

PREPARING: Final = (
    Control(
        "5(1)-(2)",
        "Before an algorithm is deployed or changed in substance it is tested by a set method, and authorised.",
        "nothing starts without a signed certificate of the very source, parameters and limits",
        ("engine REQUIRE_CERTIFICATE",),
        tests_in(
            "live/admission/test_gate.py",
            "there_are_enough_attempts",
            "it_does_not_start",
            "with_the_gate_off_it_would",
            "an_honest_version_starts_and_says_under_what",
        ),
    ),
    Control(
        "5(4)(a)-(c)",
        "Testing shows that it behaves as intended, and heeds its obligations and the rules of venues.",
        "checks for look-ahead, chance, delay, cost and overfitting; every form of a strategy gives the same fills",
        ("certification honest.prefixes", "certification significant.min_deflated_sharpe"),
        tests_in(
            "certify/test_flawed.py",
            "a_flaw_is_caught_by_its_check_and_its_mended_twin_is_not",
        )
        + tests_in("parity/test_look_ahead.py", "a_strategy_that_peeks_is_seen_by_this_test")
        + tests_in("parity/test_determinism.py", "twice_in_one_process_in_another_and_without_the_compiler"),
    ),
    Control(
        "5(4)(d)",
        "It adds to no disorder, works under stress, and can be switched off.",
        "stress and chaos in certification; misbehaving strategies of every kind are contained live",
        ("certification stress.crash", "certification chaos.intensities"),
        tests_in(
            "faults/test_orders.py",
            "a_runaway_is_refused_by_the_token_bucket_and_stopped_by_its_breaker",
            "a_wash_trader_never_has_the_house_on_both_sides",
        )
        + tests_in(
            "faults/test_market.py", "an_amplifier_moves_the_simulated_book_no_further_than_its_limits_let_it"
        ),
    ),
    Control(
        "5(7)",
        "Of each change in substance there is a record: what, when, by whom, and who approved.",
        "starts, swaps, promotions, limits and overrides stand in the journal with person and reason",
        (ALWAYS_ON,),
        tests_in(
            "live/admission/test_time_and_restarts.py",
            "what_outlives_its_certificate_is_stopped_and_its_history_says_so",
        )
        + tests_in("faults/test_overrides.py", "over_rest_it_is_proposed_agreed_written_down_and_over"),
    ),
    Control(
        "6",
        "Conformance with a venue's system is tested before the first access and after changes in substance.",
        "connections are tried against simulated exchanges that speak the same protocol, with every fault",
        (ALWAYS_ON,),
        tests_in("live/venues/test_server.py", "cancel_on_disconnect_and_a_new_client_that_learns_of_it")
        + tests_in("faults/test_venues.py", "whatever_the_exchange_does_both_sides_agree_in_the_end"),
    ),
    Control(
        "7",
        "Testing happens apart from production.",
        "certification and backtests run in processes of their own; an engine's data is its own, and only one uses it",
        ("engine TRADING_ENGINE_DATA",),
        tests_in("live/engine/test_halt.py", "two_engines_do_not_share_a_journal")
        + tests_in("live/test_service.py", "one_engine_for_each_journal"),
    ),
    Control(
        "8",
        "Deployment is cautious: limits on instruments, venues, positions, and on price, value and number of orders.",
        "limits no looser, and instruments no others, than certified; a version on trial has part of the limits, more "
        "once live agrees with its replay",
        ("certification canary.shares",),
        tests_in("risk/test_order_limits.py", "a_strategy_trades_only_what_it_is_permitted")
        + tests_in("live/admission/test_gate.py", "it_trades_only_what_it_was_tested_on")
        + tests_in("live/admission/test_time_and_restarts.py", "limits_are_not_made_looser_under_what_runs")
        + tests_in("certificates/test_ordering.py", "a_looser_limit_is_named_with_both_figures")
        + tests_in("risk/test_exposure_limits.py", "max_daily_trades_counts_orders_sent_until_midnight"),
    ),
    Control(
        "9",
        "Each year the firm assesses and validates its systems, algorithms and controls.",
        "this assessment; a control without a test that passes on the present files is a gap",
        (ALWAYS_ON,),
        tests_in(
            "assess/test_assessment.py",
            "every_test_that_is_named_exists",
            "a_test_that_failed_shows_as_a_gap",
        )
        + tests_in("assess/test_recording.py", "outcomes_of_named_tests_are_recorded"),
    ),
    Control(
        "10",
        "Stress tests with twice the highest number of messages and twice the highest volume of the last six months.",
        "message-rate stress in certification, and on the engine",
        ("certification stress.message_factor",),
        tests_in("faults/test_market.py", "twice_the_highest_rate_so_far_loses_nothing"),
    ),
    Control(
        "11",
        "Changes in substance are reviewed and go live under control; who runs what knows of them.",
        "a new version warms up beside the old one and takes over between prices; where it fails the old one runs on",
        (ALWAYS_ON,),
        tests_in(
            "live/engine/test_strategies.py",
            "a_swap_loses_no_update_and_shows_none_twice",
            "a_swap_to_what_cannot_be_loaded_leaves_the_old_one_running",
        )
        + tests_in("live/admission/test_gate.py", "what_runs_is_not_swapped_for_it"),
    ),
    Control(
        "13",
        "All activity is watched for signs of market abuse.",
        "self-trade prevention; wash trades are refused; orders and cancels are recorded for surveillance",
        ("limits self_trade_prevention",),
        tests_in("risk/test_order_limits.py", "self_trade_prevention")
        + tests_in("faults/test_orders.py", "without_self_trade_prevention_the_sister_trades"),
    ),
)

ELSEWHERE: Final = (
    NotApplicable(
        "1-4",
        "governance, compliance, staff, outsourcing",
        "asked of the firm, not of its software; roles, records and this page are what the software lends to it",
    ),
    NotApplicable(
        "19-23",
        "direct electronic access",
        "nobody trades through the engine but the firm itself: it has no clients and gives no access under its name",
    ),
    NotApplicable(
        "24-27",
        "general clearing members",
        "the engine clears for nobody",
    ),
    NotApplicable(
        "28",
        "records of high-frequency trading",
        "the journal has each order with its times; to keep them in the prescribed form is the firm's",
    ),
)
