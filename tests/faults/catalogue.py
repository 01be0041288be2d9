"""Which test injects which fault into the live engine, and what proves each of its controls."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CONTROLS", "FAULTS", "Control", "Fault", "control_table", "fault_table"]

ORDERS: Final = "tests/faults/test_orders.py"
MARKET: Final = "tests/faults/test_market.py"
VENUES: Final = "tests/faults/test_venues.py"
OPERATORS: Final = "tests/faults/test_operators.py"
MONITORS: Final = "tests/faults/test_monitors.py"
CLOCK: Final = "tests/faults/test_clock.py"
OVERRIDES: Final = "tests/faults/test_overrides.py"
SANDBOX: Final = "tests/live/sandbox/test_faults.py"
STRATEGIES: Final = "tests/live/engine/test_strategies.py"
SESSIONS: Final = "tests/live/engine/test_sessions.py"


class Fault(NamedTuple):
    """what, outcome: for people.  tests: path::name of those that inject it for real."""

    what: str
    outcome: str
    tests: tuple[str, ...]


class Control(NamedTuple):
    """setting: of limits.yaml, of venues.yaml, or an environment variable.  metric: family and label."""

    setting: str
    metric: str
    tests: tuple[str, ...]


def _in(path: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{path}::test_{name}" for name in names)


FAULTS: Final[dict[int, Fault]] = {
    1: Fault(
        "strategy raises",
        "counted; after some it is stopped; the error reaches log and API",
        _in(STRATEGIES, "one_that_raises_is_stopped_by_its_breaker_and_the_other_misses_nothing")
        + _in(SANDBOX, "an_error_is_told_and_answered"),
    ),
    2: Fault(
        "strategy crashes or aborts",
        "its process only; orders cancelled, restarted, given up",
        _in(STRATEGIES, "one_that_dies_has_its_orders_cancelled_is_restarted_and_given_up")
        + _in(SANDBOX, "a_crash_is_its_own_and_says_where"),
    ),
    3: Fault(
        "endless loop in Python or C, sleep for ever",
        "killed at its deadline",
        _in(
            SANDBOX,
            "an_endless_loop_is_killed_at_its_deadline",
            "whatever_never_answers_is_killed_at_its_deadline",
        )
        + _in(
            OPERATORS,
            "a_process_gone_mad_ends_alone",
            "one_that_misses_its_budget_again_and_again_is_stopped",
        ),
    ),
    4: Fault(
        "order flood, cancel flood",
        "token bucket, breaker; room is kept for the emergency cancel",
        _in(
            ORDERS,
            "a_runaway_is_refused_by_the_token_bucket_and_stopped_by_its_breaker",
            "without_the_token_bucket_and_the_breaker_a_runaway_is_not_contained",
            "under_the_limits_as_they_are_shipped_a_runaway_is_stopped",
            "without_the_watch_for_floods_a_flood_is_no_error",
            "a_cancel_flood_leaves_room_for_the_emergency_cancel",
        ),
    ),
    5: Fault(
        "garbage, cut, oversized or nested frames",
        "refused; the process ends",
        _in(SANDBOX, "nonsense_on_the_channel_ends_the_process_and_nothing_else")
        + _in("tests/live/sandbox/test_frames.py", "any_bytes_are_a_message_or_a_frame_error")
        + _in(OPERATORS, "a_process_gone_mad_ends_alone"),
    ),
    6: Fault(
        "NaN, infinity, 1e999 in signals or config",
        "refused before risk; never in the ledger",
        _in(ORDERS, "garbage_in_signals_is_refused_before_risk_and_ends_the_strategy")
        + _in(OPERATORS, "numbers_that_are_none_are_refused_in_requests"),
    ),
    7: Fault(
        "leak, memory bomb, recursion bomb",
        "alarm, cap, only that process dies",
        _in(
            SANDBOX,
            "a_memory_bomb_is_an_error_and_the_end_of_its_process",
            "a_slow_leak_is_told_before_it_ends_its_process",
            "a_recursion_bomb_costs_its_own_process_at_most",
        ),
    ),
    8: Fault(
        "fork bomb, thread bomb",
        "refused by the sandbox",
        _in(SANDBOX, "a_fork_bomb_is_refused", "a_thread_bomb_is_refused"),
    ),
    9: Fault(
        "sockets, files, environment, ptrace, signals",
        "refused by the sandbox; the attempt is logged",
        _in(
            "tests/live/sandbox/test_layers.py",
            "each_layer_by_itself_keeps_out_what_it_should",
            "without_its_layers_the_attack_succeeds",
            "both_levels_keep_out_everything_and_tell_of_the_attempt",
        ),
    ),
    10: Fault(
        "ignores breaches and doubles down",
        "every further order refused; breaker",
        _in(
            ORDERS,
            "who_doubles_down_on_breaches_is_refused_ever_after",
            "without_the_breaker_doubling_down_goes_on",
        ),
    ),
    11: Fault(
        "volatility amplifier on the simulated book",
        "clipped and capped; the price stays",
        _in(
            MARKET,
            "an_amplifier_moves_the_simulated_book_no_further_than_its_limits_let_it",
            "without_limits_the_amplifier_drives_the_price_away",
        ),
    ),
    12: Fault(
        "wash trade, also with a sister",
        "self-trade prevention",
        _in(
            ORDERS,
            "a_wash_trader_never_has_the_house_on_both_sides",
            "a_sister_on_the_other_side_is_refused",
            "without_self_trade_prevention_the_sister_trades",
        ),
    ),
    13: Fault(
        "value in the quantity field",
        "max_order_value",
        _in(
            ORDERS,
            "a_value_in_the_quantity_field_never_leaves",
            "without_the_caps_on_size_the_slip_is_traded",
        ),
    ),
    14: Fault(
        "child orders without end",
        "repeated-execution throttle until a named person",
        _in(
            ORDERS,
            "child_orders_without_end_stop_until_a_named_person_lets_them_go_on",
            "without_the_throttle_nothing_ends_the_child_orders",
        ),
    ),
    15: Fault(
        "equity below zero or no number; clock going back",
        "breaker armed, latches",
        _in(
            MARKET,
            "equity_below_zero_or_no_number_latches",
            "a_clock_that_goes_back_is_told_and_the_breaker_is_armed_still",
        ),
    ),
    16: Fault(
        "disconnect, reconnect, flapping",
        "cancelled, reconciled, then traded again",
        _in(
            VENUES,
            "a_lost_session_has_its_orders_cancelled",
            "whatever_the_exchange_does_both_sides_agree_in_the_end",
        )
        + _in(SESSIONS, "a_lost_session_stops_trading_there_until_both_sides_agree_again"),
    ),
    17: Fault(
        "reject storm, partial fills, unsolicited cancel, late and lost acknowledgements",
        "exact leaves, no blind retry",
        _in(VENUES, "whatever_the_exchange_does_both_sides_agree_in_the_end")
        + _in(SESSIONS, "faulty_reports_leave_both_sides_in_agreement"),
    ),
    18: Fault(
        "duplicate, late, out-of-order and unknown fills",
        "each once; unknown halts",
        _in(VENUES, "an_execution_of_no_order_of_ours_stops_everything_until_it_is_looked_at")
        + _in(SESSIONS, "faulty_reports_leave_both_sides_in_agreement"),
    ),
    19: Fault(
        "latency spike, blackhole",
        "stale prices refuse new orders",
        _in(MARKET, "a_stale_price_refuses_orders", "without_the_collar_stale_prices_are_traded_on")
        + _in("tests/live/venues/test_embedded.py", "a_blackhole_is_no_answer_in_time"),
    ),
    20: Fault(
        "bad ticks, crossed book, gaps, frozen feed",
        "no mark, no order, told",
        _in(MARKET, "a_feed_gone_mad_makes_no_mark", "a_stale_price_refuses_orders"),
    ),
    21: Fault(
        "disk full",
        "halts; nothing acknowledged is lost; a person resumes",
        _in(
            "tests/live/engine/test_halt.py",
            "a_full_disk_halts_trading_until_there_is_room_and_a_person_says_so",
        )
        + _in("tests/live/journal/test_disk.py", "a_full_disk_halts_and_a_person_resumes"),
    ),
    22: Fault(
        "fdatasync fails",
        "fail-stop, never tried again",
        _in("tests/live/journal/test_disk.py", "a_failed_sync_is_final_and_never_tried_again"),
    ),
    23: Fault(
        "torn tail, flipped bit in the journal",
        "sound prefix loudly; a flip refuses to start",
        _in(
            "tests/live/journal/test_damage.py",
            "a_log_that_was_cut_opens_to_its_sound_part_loudly",
            "a_bit_flipped_in_a_record_names_it",
            "without_checksums_a_flip_would_be_read_as_a_record",
        ),
    ),
    24: Fault(
        "kill -9 of the engine",
        "the ledger of a run that was never killed; the exchange agrees",
        _in(
            "tests/live/engine/test_crash.py",
            "killed_at_a_boundary_of_the_journal",
            "killed_again_and_again_under_load",
            "killed_beside_an_exchange_that_lives_on",
        )
        + _in("tests/live/sandbox/test_deaths.py", "when_the_engine_dies_no_process_stays"),
    ),
    25: Fault(
        "kill -9, SIGSTOP of a sandbox",
        "noticed, killed, restarted",
        _in(SANDBOX, "a_process_that_others_kill_is_told_at_once", "a_stopped_process_is_noticed_and_killed")
        + _in("tests/live/sandbox/test_deaths.py", "a_host_that_is_stopped_is_replaced"),
    ),
    26: Fault(
        "PostgreSQL stopped, restarted, read-only",
        "halts, resumes",
        _in(
            "tests/live/journal/test_postgres.py",
            "a_server_that_stops_halts_the_engine_and_a_person_resumes",
            "a_fail_over_to_read_only_halts",
        ),
    ),
    27: Fault(
        "slow stream reader",
        "dropped with a reason, others unaffected",
        _in(
            "tests/live/api/test_stream.py",
            "a_slow_reader_is_dropped_with_a_reason_and_a_quick_one_sees_everything",
            "a_reader_that_is_deaf_is_cut_off_and_the_engine_goes_on",
        )
        + _in("tests/live/api/test_grpc.py", "a_slow_reader_is_let_go_with_a_reason_and_the_others_read_on"),
    ),
    28: Fault(
        "malformed requests, huge bodies, slow-loris",
        "4xx, memory flat",
        _in(
            "tests/live/api/test_hostile.py",
            "a_malformed_body_is_refused_in_one_line",
            "hundreds_of_megabytes_in_pieces_leave_memory_flat",
            "a_head_that_never_ends_is_cut_off",
        )
        + _in("tests/live/api/test_grpc_fuzz.py", "no_message_surprises_a_call"),
    ),
    29: Fault(
        "wrong, missing, expired token; brute force",
        "401, 403, 429, audited",
        _in(
            "tests/live/api/test_auth.py",
            "each_role_gets_as_far_as_it_may_and_no_further",
            "a_token_of_the_past_is_401_over_http",
            "guessing_is_slowed_down_written_down_and_locks_nobody_else_out",
        ),
    ),
    30: Fault(
        "hostile uploads",
        "refused; nothing outside the store",
        _in(
            "tests/live/api/test_upload.py",
            "a_name_that_goes_elsewhere_or_looks_like_another_is_refused",
            "what_is_no_strategy_script_is_refused",
            "a_hundred_megabytes_are_refused",
            "links_and_devices_in_the_folder_are_not_followed",
        ),
    ),
    31: Fault(
        "thousands of names in labels",
        "bounded label set",
        _in("tests/live/metrics/test_explosion.py", "series_are_bounded_and_nothing_is_lost_from_the_sums"),
    ),
    32: Fault(
        "two engines on one journal",
        "the second does not start",
        _in("tests/live/engine/test_halt.py", "two_engines_do_not_share_a_journal")
        + _in("tests/live/test_service.py", "one_engine_for_each_journal"),
    ),
    33: Fault(
        "wall clock jumps by an hour; leap second; daylight saving",
        "order by sequence; alarm",
        _in(
            CLOCK,
            "the_clock_of_a_process_jumps_by_an_hour_and_back",
            "a_jump_and_its_return_are_told_once_each_and_a_drift_is_not",
        ),
    ),
    34: Fault(
        "configuration changed to nonsense",
        "the old one stays; one line",
        _in(OPERATORS, "files_that_become_nonsense_change_nothing_in_a_running_engine")
        + _in("tests/live/engine/test_watching.py", "a_half_written_file_is_told_once_and_never_swapped"),
    ),
    35: Fault(
        "swap to what fails, crashes or is too slow",
        "the old one runs on",
        _in(OPERATORS, "a_swap_to_what_dies_while_it_warms_up_leaves_the_old_one")
        + _in(STRATEGIES, "a_swap_to_what_cannot_be_loaded_leaves_the_old_one_running"),
    ),
    36: Fault(
        "a hundred started at once",
        "refused beyond the most",
        _in(OPERATORS, "a_hundred_started_at_once_are_refused_beyond_the_most"),
    ),
    37: Fault(
        "operators' mistakes",
        "nothing, or one clear line",
        _in(
            OPERATORS,
            "starting_and_stopping_twice_changes_nothing",
            "a_mistake_is_one_clear_line",
            "a_limit_of_the_wrong_sign_or_size_changes_nothing",
        ),
    ),
    38: Fault(
        "correlation breaker, slow leak, stale-price trader",
        "monitors, drawdown breaker",
        _in(
            MONITORS,
            "one_that_loses_on_purpose_ends_at_its_own_drawdown",
            "the_monitor_of_correlation_sees_two_that_win_and_lose_together",
            "a_slow_leak_ends_at_the_strategys_own_drawdown",
            "without_the_limit_on_drawdown_it_leaks_on",
        ),
    ),
    39: Fault(
        "liquidation into an empty book or a lost venue",
        "goes on within limits; state honest",
        _in(
            VENUES,
            "liquidation_into_an_empty_book_goes_on_until_it_is_flat",
            "liquidation_at_a_venue_that_takes_nothing_waits_and_then_closes",
        ),
    ),
    40: Fault(
        "twice the highest rate so far",
        "nothing lost",
        _in(MARKET, "twice_the_highest_rate_so_far_loses_nothing"),
    ),
}

CONTROLS: Final[dict[str, Control]] = {
    "kill switch": Control(
        "a command: POST /api/v1/risk/kill",
        "trading_risk_kill_switch_active{scope}",
        _in(SESSIONS, "the_kill_switch_takes_back_every_order_and_closes_what_is_held")
        + _in("tests/live/machine/test_machine.py", "a_kill_flattens_until_it_is_reset_by_a_person"),
    ),
    "cancel_on_disconnect": Control(
        "venues.NAME.cancel_on_disconnect",
        "trading_venue_problem{venue}",
        _in(VENUES, "a_lost_session_has_its_orders_cancelled")
        + _in(STRATEGIES, "one_that_dies_has_its_orders_cancelled_is_restarted_and_given_up")
        + _in("tests/live/venues/test_server.py", "cancel_on_disconnect_and_a_new_client_that_learns_of_it"),
    ),
    "drop copy and reconciliation": Control(
        "always on",
        "trading_venue_problem{venue}",
        _in(
            SESSIONS,
            "while_both_sides_disagree_nothing_is_traded",
            "an_order_that_works_at_the_venue_alone_is_taken_back",
        )
        + _in(
            "tests/live/engine/test_remote.py",
            "an_exchange_that_lost_its_store_while_the_engine_was_away_is_not_traded_at",
        )
        + _in("tests/live/venues/test_server_hostile.py", "a_drop_copy_sees_every_report_and_may_not_trade"),
    ),
    "risk_check_timeout": Control(
        "RISK_CHECK_TIMEOUT_MS",
        "trading_engine_late_signals_total",
        _in(MONITORS, "a_check_that_comes_too_late_refuses"),
    ),
    "alerts within 5 s": Control(
        "always on",
        "trading_risk_alert_latency_seconds{kind}",
        _in(ORDERS, "a_runaway_is_refused_by_the_token_bucket_and_stopped_by_its_breaker")
        + _in("tests/live/metrics/test_values.py", "an_alert_is_measured_from_what_it_tells_of")
        + _in("tests/live/metrics/test_alerts.py", "an_alert_fires_alone"),
    ),
    "deployment limits": Control(
        "REQUIRE_CERTIFICATE, permitted_instruments, per_strategy.*, order_limits.*",
        "trading_risk_limit_breaches_total{limit_type}",
        _in("tests/risk/test_order_limits.py", "a_strategy_trades_only_what_it_is_permitted")
        + _in("tests/risk/test_control_stops_it.py", "the_control_is_what_stops_it")
        + _in(
            "tests/live/admission/test_gate.py",
            "it_does_not_start",
            "with_the_gate_off_it_would",
            "it_trades_only_what_it_was_tested_on",
            "with_the_gate_off_it_trades_everything",
        )
        + _in(
            "tests/live/admission/test_time_and_restarts.py",
            "limits_are_not_made_looser_under_what_runs",
        ),
    ),
    "override": Control(
        "a command: PUT /api/v1/risk/overrides",
        "trading_risk_overrides_active",
        _in(
            OVERRIDES,
            "two_people_and_a_time",
            "a_hard_block_is_never_overridden",
            "over_rest_it_is_proposed_agreed_written_down_and_over",
        ),
    ),
    "no strategy access": Control(
        "STRATEGY_ISOLATION, STRATEGY_ISOLATION_MINIMUM",
        "trading_engine_sandbox_level",
        _in(
            "tests/live/sandbox/test_layers.py",
            "both_levels_keep_out_everything_and_tell_of_the_attempt",
            "without_its_layers_the_attack_succeeds",
        )
        + _in("tests/live/sandbox/test_worker.py", "metrics_are_there_from_the_start_and_cannot_be_written"),
    ),
}


def _links(tests: tuple[str, ...]) -> str:
    return "<br>".join(
        f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"
        for path, _, name in (test.partition("::") for test in tests)
    )


def fault_table() -> str:
    """The table of faults as it stands in docs/risk_framework.md."""
    rows = [f"| {n} | {f.what} | {f.outcome} | {_links(f.tests)} |" for n, f in FAULTS.items()]
    return "\n".join(("| | fault | outcome | tests |", "|---|---|---|---|", *rows))


def control_table() -> str:
    """The table of live controls as it stands there."""
    rows = [f"| {n} | `{c.setting}` | `{c.metric}` | {_links(c.tests)} |" for n, c in CONTROLS.items()]
    return "\n".join(("| control | setting | metric | tests |", "|---|---|---|---|", *rows))
