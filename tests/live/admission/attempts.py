"""Attempts to have something run that nobody has certified; each returns when it has tried everything.

With the gate on, nothing may run under the attempt's id afterwards (or only what was certified: `allowed`). With the
gate off it runs: so the attempt is sound but for the gate.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import grpc
import msgspec

from live.api.commands import Commands
from live.api.generated import trading_pb2 as messages
from live.api.generated.trading_pb2_grpc import TradingServiceStub
from live.api.grpc_server import GrpcServer
from live.engine import StartRequest
from live.machine import PromotionNoted
from tests.live.admission.world import World, later, resigned
from workbench.certificates import canonical, read_signed
from workbench.core.limits import NotionalLimits, OrderLimits, PositionLimit, RiskLimits
from workbench.errors import CertificateError

__all__ = ["ATTEMPTS", "REACHES", "SWAPS"]

type Attempt = Callable[[World], None]

ATTEMPTS: Final[dict[str, Attempt]] = {}
SWAPS: Final[dict[str, Attempt]] = {}
"""Attempts on something certified that runs already: it may go on, and nothing else."""
REACHES: Final[dict[str, Callable[[World], set[str]]]] = {}
"""Attempts to trade elsewhere than was tested; each returns the instruments that may be traded."""


def attempt(work: Attempt) -> Attempt:
    ATTEMPTS[work.__name__] = work
    return work


def swap(work: Attempt) -> Attempt:
    SWAPS[work.__name__] = work
    return work


def reach(work: Callable[[World], set[str]]) -> Callable[[World], set[str]]:
    REACHES[work.__name__] = work
    return work


# --- the code --------------------------------------------------------------------------------------------------------


@attempt
def nothing_was_ever_certified(w: World) -> None:
    w.write(w.text())
    w.start()


@attempt
def an_upload_without_a_certificate(w: World) -> None:
    digest = w.upload(w.text()).json()["source_hash"]
    w.start(digest)


@attempt
def edited_code_under_an_old_certificate(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write(w.text().replace("return []", "return list()"))
    w.start()


@attempt
def edited_code_that_names_the_old_certificate(w: World) -> None:
    name = w.keep(w.certificate(w.text()))
    w.write(w.text().replace("return []", "return list()"))
    w.start(certificate=name)


@attempt
def one_space_more(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write(w.text() + " ")
    w.start()


@attempt
def a_comment_more(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write(w.text() + "# harmless\n")
    w.start()


@attempt
def other_line_ends(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write("").write_bytes(w.text().replace("\n", "\r\n").encode())
    w.start()


@attempt
def an_edited_upload_with_the_old_certificate(w: World) -> None:
    data = w.certificate(w.text())
    edited = w.text(version="2")
    w.upload(edited, data)
    w.start(_hash(edited))


@attempt
def an_edited_promotion_with_the_old_certificate(w: World) -> None:
    w.promote(w.text(version="2"), w.certificate(w.text()))


@attempt
def a_file_that_is_edited_after_its_upload_was_refused(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write(w.text())
    w.write(w.text(more="\n    EDITED = True"))
    w.start()


@attempt
def an_edited_import(w: World) -> None:
    """The file that it imports is another one here than where it was certified."""
    source = w.text()
    sources = dict(read_signed(w.certificate(source)).certificate.sources)
    sources["workbench/strategy/contract.py"] = "0" * 64
    w.promote(source, w.certificate(source, sources=sources))


@attempt
def an_import_that_is_not_here(w: World) -> None:
    source = w.text()
    sources = dict(read_signed(w.certificate(source)).certificate.sources)
    w.promote(source, w.certificate(source, sources={**sources, "workbench/strategy/gone.py": "0" * 64}))


@attempt
def an_edited_import_beside_the_script(w: World) -> None:
    source = w.text()
    w.write("X = 2\n", f"helper{w.number}.py")
    sources = dict(read_signed(w.certificate(source)).certificate.sources)
    helper = {f"./helper{w.number}.py": "0" * 64}
    w.keep(w.certificate(source, sources={**sources, **helper}))
    w.write(source)
    w.start()


@attempt
def an_import_from_outside_of_the_project(w: World) -> None:
    source = w.text()
    sources = dict(read_signed(w.certificate(source)).certificate.sources)
    w.promote(source, w.certificate(source, sources={**sources, "../../etc/passwd": "0" * 64}))


# --- the signature ---------------------------------------------------------------------------------------------------


def _changed(data: bytes, **changes: Any) -> bytes:
    signed = read_signed(data)
    return canonical(
        msgspec.structs.replace(signed, certificate=msgspec.structs.replace(signed.certificate, **changes))
    )


def _with_signature(data: bytes, signature: str) -> bytes:
    return data.replace(read_signed(data).signature.encode(), signature.encode())


@attempt
def a_stripped_signature(w: World) -> None:
    w.promote(w.text(), _with_signature(w.certificate(w.text()), ""))


@attempt
def a_signature_of_zeros(w: World) -> None:
    w.promote(w.text(), _with_signature(w.certificate(w.text()), "0" * 128))


@attempt
def a_signature_of_another_certificate(w: World) -> None:
    other = read_signed(w.certificate(w.text(version="2"))).signature
    w.promote(w.text(), _with_signature(w.certificate(w.text()), other))


@attempt
def no_signature_field(w: World) -> None:
    plain = json.loads(w.certificate(w.text()))
    w.promote(w.text(), canonical({"certificate": plain["certificate"]}))


@attempt
def a_certificate_without_its_envelope(w: World) -> None:
    w.promote(w.text(), canonical(read_signed(w.certificate(w.text())).certificate))


@attempt
def another_key(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.stranger, issuer=w.stranger.id))


@attempt
def another_key_that_says_it_is_the_trusted_one(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.stranger))


@attempt
def no_issuer(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, issuer=""))


@attempt
def hashes_exchanged_under_the_signature(w: World) -> None:
    data, mine = w.certificate(w.text()), w.text(version="2")
    other = read_signed(w.certificate(mine)).certificate
    w.promote(mine, _changed(data, source_hash=other.source_hash, sources=other.sources))


@attempt
def parameters_exchanged_under_the_signature(w: World) -> None:
    data = _changed(w.certificate(w.text(), parameters={"size": 1}), parameters={"size": 100})
    w.promote(w.text(), data, config={"size": 100})


@attempt
def limits_exchanged_under_the_signature(w: World) -> None:
    tight = RiskLimits(order_limits=OrderLimits(max_order_value=10.0))
    data = w.certificate(w.text(), limits=tight)
    w.promote(w.text(), _changed(data, limits=read_signed(w.certificate(w.text())).certificate.limits))


@attempt
def one_that_did_not_pass(w: World) -> None:
    w.promote(w.text(), w.certificate(w.text(), passed=False))


@attempt
def one_that_did_not_pass_and_says_it_did(w: World) -> None:
    w.promote(w.text(), _changed(w.certificate(w.text(), passed=False), passed=True))


# --- time ------------------------------------------------------------------------------------------------------------


@attempt
def an_expired_certificate(w: World) -> None:
    w.promote(w.text(), w.certificate(w.text(), now=later(-31), days=30.0))


@attempt
def an_expired_certificate_that_was_kept_before(w: World) -> None:
    w.write(w.text())
    w.keep(w.certificate(w.text(), now=later(-31), days=30.0))
    w.start()


@attempt
def an_expiry_that_was_moved(w: World) -> None:
    data = w.certificate(w.text(), now=later(-31), days=30.0)
    w.promote(w.text(), _changed(data, expires_at="2099-01-01T00:00:00Z"))


@attempt
def one_of_the_future(w: World) -> None:
    w.promote(w.text(), w.certificate(w.text(), now=later(1)))


@attempt
def an_expiry_that_is_no_time(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, expires_at="never"))


@attempt
def an_expiry_in_another_zone(w: World) -> None:
    when = (later(-1) + timedelta(hours=14)).strftime("%Y-%m-%dT%H:%M:%S+14:00")
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, expires_at=when))


# --- another strategy's certificate ----------------------------------------------------------------------------------


@attempt
def the_certificate_of_another_script(w: World) -> None:
    other = w.certificate(w.text(version="2"), script="other.py")
    w.promote(w.text(), other)


@attempt
def the_id_of_another_scripts_certificate(w: World) -> None:
    name = w.keep(w.certificate(w.text(version="2")))
    w.write(w.text())
    w.start(certificate=name)


@attempt
def a_renamed_file(w: World) -> None:
    w.keep(w.certificate(w.text(), script=f"honest{w.number}.py"))
    w.write(w.text())
    w.start()


@attempt
def a_renamed_upload(w: World) -> None:
    data = w.certificate(w.text(), script=f"honest{w.number}.py")
    w.upload(w.text(), data)
    w.start(_hash(w.text()))


@attempt
def another_class_of_the_same_text(w: World) -> None:
    w.promote(w.text(), w.certificate(w.text(), strategy="Someone"))


@attempt
def a_class_that_looks_alike(w: World) -> None:
    """The first letter is Greek."""
    source = w.text(name="\u0392atcher")
    w.promote(source, w.certificate(w.text(name="Batcher"), strategy="Batcher"))


@attempt
def a_class_that_looks_alike_in_its_certificate_too(w: World) -> None:
    source = w.text(name="\u0392atcher")
    w.promote(source, w.certificate(source, strategy="Batcher"))


@attempt
def letters_that_cannot_be_seen(w: World) -> None:
    w.keep(w.certificate(w.text()))
    w.write(w.text().replace("Looks on", "Looks\u200b on"))
    w.start()


@attempt
def an_id_that_leads_out_of_the_folder(w: World) -> None:
    data = w.certificate(w.text())
    (w.folder / f"{w.number}.json").write_bytes(data)
    w.write(w.text())
    w.start(certificate=f"../../strategies/{w.number}")


@attempt
def a_certificate_that_was_put_into_the_store_by_hand(w: World) -> None:
    """Nothing is believed because it lies there."""
    w.write(w.text())
    data = resigned(w.certificate(w.text()), w.stranger)
    w.keep(data)
    w.start()


@attempt
def a_certificate_under_the_id_of_another(w: World) -> None:
    honest = w.keep(w.certificate(w.text(version="2")))
    store = w.engine.settings.data / "certificates"
    (store / f"{honest}.json").write_bytes(w.certificate(w.text()))
    w.write(w.text())
    w.start(certificate=honest)


@attempt
def a_certificate_behind_a_link(w: World) -> None:
    data = w.certificate(w.text())
    elsewhere = w.folder / f"{w.number}.json"
    elsewhere.write_bytes(data)
    store = w.engine.settings.data / "certificates"
    store.mkdir(exist_ok=True)
    name = read_signed(data).certificate.id
    (store / f"{name}.json").symlink_to(elsewhere)
    w.write(w.text())
    w.start(certificate=name)


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json_tricks() -> dict[str, Callable[[str], str]]:
    return {
        "a_key_twice": lambda t: t.replace('"passed":true', '"passed":false,"passed":true'),
        "the_certificate_twice": lambda t: t.replace('{"certificate"', '{"certificate":{},"certificate"'),
        "a_number_that_is_none": lambda t: t.replace('"max_leverage":2.0', '"max_leverage":NaN'),
        "an_infinite_number": lambda t: t.replace('"max_leverage":2.0', '"max_leverage":Infinity'),
        "a_huge_number": lambda t: t.replace('"seed":1', '"seed":1' + "0" * 4000),
        "a_number_beyond_doubles": lambda t: t.replace('"max_leverage":2.0', '"max_leverage":1e999'),
        "trailing_bytes": lambda t: t + "{}",
        "a_trailing_line": lambda t: t + "\n",
        "a_leading_mark": lambda t: "\ufeff" + t,
        "spaces": lambda t: t.replace(",", ", "),
        "an_escape": lambda t: t.replace("Watcher", "Watche\\u0072"),
        "a_zero_byte": lambda t: t.replace("Watcher", "Watcher\\u0000"),
        "a_field_more": lambda t: t.replace('"passed":true', '"approved":true,"passed":true'),
        "another_format": lambda t: t.replace('"format":2', '"format":1'),
        "a_later_format": lambda t: t.replace('"format":2', '"format":3'),
        "a_flag_as_text": lambda t: t.replace('"passed":true', '"passed":"true"'),
        "deep_nesting": lambda t: t.replace('"parameters":{}', '"parameters":{"a":' + "[" * 20_000),
        "a_list": lambda t: f"[{t}]",
        "two_lines_of_it": lambda t: f"{t}\n{t}",
        "half_of_it": lambda t: t[: len(t) // 2],
        "a_comment": lambda t: t + " // signed",
    }


def _add_json_tricks() -> None:
    for name, trick in _json_tricks().items():

        def work(w: World, trick: Callable[[str], str] = trick) -> None:
            honest = w.certificate(w.text()).decode()
            tricked = trick(honest)
            assert tricked != honest
            w.promote(w.text(), tricked)

        ATTEMPTS[f"json_with_{name}"] = work


_add_json_tricks()


@attempt
def a_body_with_its_parameters_twice(w: World) -> None:
    w.write(w.text())
    name = w.keep(w.certificate(w.text(), parameters={"size": 1}))
    text = (
        f'{{"script":"{w.script}","strategy_id":"{w.id}","certificate":"{name}",'
        '"config":{"size":1},"config":{"size":100}}'
    )
    headers = {"content-type": "application/json"}
    w.answers.append(w.served.client.post("/api/v1/strategies/start", content=text, headers=headers))


# --- parameters ------------------------------------------------------------------------------------------------------

_PARAMETERS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "another_value": ({"size": 1}, {"size": 2}),
    "one_more": ({"size": 1}, {"size": 1, "hurry": True}),
    "one_less": ({"size": 1, "careful": True}, {"size": 1}),
    "none_at_all": ({"size": 1}, {}),
    "a_flag_for_a_number": ({"size": 1}, {"size": True}),
    "text_for_a_number": ({"size": 1}, {"size": "1"}),
    "nothing_for_a_value": ({"size": 1}, {"size": None}),
    "another_place_in_a_list": ({"venues": ["a", "b"]}, {"venues": ["b", "a"]}),
    "a_longer_list": ({"venues": ["a"]}, {"venues": ["a", "b"]}),
    "something_inside": ({"deep": {"size": 1}}, {"deep": {"size": 2}}),
    "another_case": ({"size": 1}, {"Size": 1}),
    "a_name_that_looks_alike": ({"size": 1}, {"si\u200bze": 1}),
}


def _add_parameters() -> None:
    for name, (there, here) in _PARAMETERS.items():

        def work(w: World, there: Any = there, here: Any = here) -> None:
            w.write(w.text())
            w.keep(w.certificate(w.text(), parameters=there))
            w.start(config=here)

        ATTEMPTS[f"other_parameters_{name}"] = work


_add_parameters()


# --- limits ----------------------------------------------------------------------------------------------------------

_TIGHTER: Final[dict[str, RiskLimits]] = {
    "of_an_order": RiskLimits(order_limits=OrderLimits(max_order_value=100.0)),
    "of_a_position": RiskLimits(position_limits={"BTC-USD": PositionLimit(max_long=1.0)}),
    "of_a_strategy": RiskLimits(notional_limits=NotionalLimits(per_strategy=1_000.0)),
    "of_instruments": RiskLimits(permitted_instruments={"nobody": ["BTC-USD"]}),
    "that_are_restricted": RiskLimits(restricted_list=["BTC-USD"]),
    "of_signals": RiskLimits(signal_out_of_range="refuse"),
}


def _add_limits() -> None:
    for name, limits in _TIGHTER.items():

        def work(w: World, limits: RiskLimits = limits) -> None:
            w.promote(w.text(), w.certificate(w.text(), limits=limits))

        ATTEMPTS[f"looser_limits_{name}"] = work


_add_limits()


@attempt
def limits_of_the_certificate_that_make_no_sense(w: World) -> None:
    w.promote(
        w.text(), resigned(w.certificate(w.text()), w.key, limits={"order_limits": {"max_order_value": -1.0}})
    )


@attempt
def limits_of_the_certificate_that_are_unknown(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, limits={"everything": "off"}))


# --- instruments -----------------------------------------------------------------------------------------------------


@attempt
def instruments_exchanged_under_the_signature(w: World) -> None:
    data = w.certificate(w.text(), instruments=["BTC-USD@elsewhere"])
    w.promote(w.text(), _changed(data, instruments=["BTC-USD@elsewhere", "ETH-USD@elsewhere"]))


@attempt
def one_instrument_more_under_the_signature(w: World) -> None:
    data = w.certificate(w.text(), instruments=["BTC-USD@a"])
    w.promote(w.text(), _changed(data, instruments=["BTC-USD@a", "BTC-USD@b"]))


@attempt
def instruments_of_which_none_is_traded_here(w: World) -> None:
    w.promote(w.text(), w.certificate(w.text(), instruments=["SOL-USD@a", "SPX@elsewhere"]))


@attempt
def a_symbol_that_looks_alike(w: World) -> None:
    """The first letter is Cyrillic."""
    w.promote(w.text(), w.certificate(w.text(), instruments=["\u0412TC-USD@elsewhere"]))


@attempt
def no_instruments(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, instruments=[]))


@attempt
def any_instrument(w: World) -> None:
    w.promote(w.text(), resigned(w.certificate(w.text()), w.key, instruments=["*"]))


@attempt
def one_of_before_instruments_were_named(w: World) -> None:
    """As such a one was signed: the key is trusted, and the signature is of what it says."""
    document = json.loads(w.certificate(w.text()))["certificate"]
    del document["instruments"]
    document["format"] = 1
    signature = w.key.private.sign(b"trading workbench certificate\n" + canonical(document)).hex()
    w.promote(w.text(), canonical({"certificate": document, "signature": signature}))


@reach
def one_symbol_everywhere(w: World) -> set[str]:
    _reaches(w, ["BTC-USD@elsewhere"])
    return {"BTC-USD@a", "BTC-USD@b"}


@reach
def one_venue(w: World) -> set[str]:
    _reaches(w, ["BTC-USD@a", "ETH-USD@a"])
    return {"BTC-USD@a", "ETH-USD@a"}


@reach
def each_symbol_at_another_venue(w: World) -> set[str]:
    _reaches(w, ["BTC-USD@b", "ETH-USD@a"])
    return {"BTC-USD@b", "ETH-USD@a"}


@reach
def a_venue_that_is_here_and_one_that_is_not(w: World) -> set[str]:
    _reaches(w, ["BTC-USD@a", "ETH-USD@elsewhere"])
    return {"BTC-USD@a"}


@reach
def limits_that_permit_more(w: World) -> set[str]:
    """Whoever may change limits cannot have it trade what was not tested."""
    _reaches(w, ["BTC-USD@a"])
    wider = {"permitted_instruments": {w.id: ["BTC-USD", "ETH-USD"]}}
    answer = w.served.client.put("/api/v1/risk/limits", json={"limits": wider})
    assert answer.status_code == 200, answer.text
    return {"BTC-USD@a"}


@reach
def a_pause(w: World) -> set[str]:
    _reaches(w, ["ETH-USD@a"])
    for command in ("pause", "resume"):
        assert w.post(f"{w.id}/{command}", {}).status_code == 200
    return {"ETH-USD@a"}


@reach
def another_certificate_for_the_same_text(w: World) -> set[str]:
    """The newer one is of less; the older is kept as well and named by nobody."""
    w.keep(w.certificate(w.trading(), instruments=["BTC-USD@a", "ETH-USD@a"], now=later(-1)))
    _reaches(w, ["ETH-USD@a"])
    return {"ETH-USD@a"}


@reach
def a_version_that_takes_over(w: World) -> set[str]:
    """What was tested on two instruments gives way to what was tested on one."""
    _reaches(w, ["BTC-USD@a", "ETH-USD@b"])
    _reaches(w, ["ETH-USD@b"], version="2")
    return {"ETH-USD@b"}


def _reaches(w: World, instruments: list[str], version: str = "1") -> None:
    """Have a certified strategy run that trades everything."""
    source = w.trading(version)
    w.write(source)
    w.keep(w.certificate(source, version=version, instruments=instruments))
    answer = w.start()
    assert answer.status_code == 200, answer.text


# --- chaos -----------------------------------------------------------------------------------------------------------

_CHAOS = '\n    CHAOS_TYPE = "runaway"'


@attempt
def a_chaos_strategy_under_a_normal_ones_certificate(w: World) -> None:
    w.promote(w.text(more=_CHAOS), w.certificate(w.text()))


@attempt
def a_chaos_strategy_under_its_own_certificate(w: World) -> None:
    w.promote(w.text(more=_CHAOS), w.certificate(w.text(more=_CHAOS)))


@attempt
def an_upload_that_says_it_misbehaves_to_need_no_certificate(w: World) -> None:
    w.start(w.upload(w.text(more=_CHAOS)).json()["source_hash"])


@attempt
def a_script_that_says_it_misbehaves_to_need_no_certificate(w: World) -> None:
    w.write(w.text(more=_CHAOS))
    w.start()


# --- other ways in ---------------------------------------------------------------------------------------------------


@attempt
def directly_by_grpc(w: World) -> None:
    w.write(w.text())
    w.call(_by_grpc(w))


@attempt
def by_grpc_under_an_old_certificate(w: World) -> None:
    name = w.keep(w.certificate(w.text(version="2")))
    w.write(w.text())
    w.call(_by_grpc(w, certificate=name))


@attempt
def by_grpc_with_other_parameters(w: World) -> None:
    w.keep(w.certificate(w.text(), parameters={"size": 1}))
    w.write(w.text())
    w.call(_by_grpc(w, size=3))


async def _by_grpc(w: World, certificate: str = "", **config: Any) -> None:
    commands = Commands(w.engine)
    server = GrpcServer(w.engine, commands, w.served.tokens)
    port = await server.start()
    who = (("authorization", f"Bearer {w.served.admin}"),)
    request = messages.StartStrategyRequest(script=w.script, strategy_id=w.id, certificate=certificate)
    request.config.update(config)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = TradingServiceStub(channel).StartStrategy(request, metadata=who)
            code = await call.code()
            assert code in (grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED), await call.details()
    finally:
        await server.stop(0.5)
        await commands.finish()


@attempt
def by_its_class(w: World) -> None:
    source = w.text(name=f"Watcher{w.number}")
    w.write(source)
    w.start(f"Watcher{w.number}")


@attempt
def by_part_of_its_hash(w: World) -> None:
    w.write(w.text())
    w.start(_hash(w.text())[:12])


@attempt
def promoted_without_a_certificate(w: World) -> None:
    w.promote(w.text())


@attempt
def promoted_on_trial_without_a_certificate(w: World) -> None:
    w.promote(w.text(), canary=True)


@attempt
def inside_of_the_engine(w: World) -> None:
    """Whoever asks: the gate is where processes are made."""
    w.write(w.text())

    async def work() -> None:
        with contextlib.suppress(CertificateError):
            await w.engine.strategies.start(StartRequest(w.script, w.id, person="watcher"))

    w.call(work())


@attempt
def twenty_starts_at_once(w: World) -> None:
    w.write(w.text())

    async def race() -> None:
        request = StartRequest(w.script, w.id)
        starts = (w.engine.strategies.start(request) for _ in range(20))
        await asyncio.gather(*starts, return_exceptions=True)

    w.call(race())


@attempt
def a_start_that_races_with_its_edit(w: World) -> None:
    """While the honest text is looked at, the file becomes another."""
    w.keep(w.certificate(w.text()))
    w.write(w.text(version="2"))

    async def race() -> None:
        request = StartRequest(w.script, w.id)
        starts = [asyncio.ensure_future(w.engine.strategies.start(request)) for _ in range(3)]
        for turn in range(10):
            part = w.write(w.text(version="2", what=f" ({w.number}) {turn}"), f"{w.script}.part")
            part.replace(w.folder / w.script)
            await asyncio.sleep(0)
        await asyncio.gather(*starts, return_exceptions=True)

    w.call(race())


@attempt
def the_same_upload_again_after_its_demotion(w: World) -> None:
    data = w.certificate(w.text())
    _demoted(w, data)
    w.upload(w.text(), data)
    w.start(_hash(w.text()))


@attempt
def the_same_promotion_again_after_its_demotion(w: World) -> None:
    data = w.certificate(w.text())
    _demoted(w, data)
    w.promote(w.text(), data)


@attempt
def the_older_version_after_its_demotion(w: World) -> None:
    older = w.certificate(w.text())
    _demoted(w, older)
    w.keep(w.certificate(w.text(version="2")))
    w.write(w.text())
    w.start()


def _demoted(w: World, data: bytes) -> None:
    name = read_signed(data).certificate.id
    w.call(w.engine.ask(PromotionNoted(1, w.id, "demoted", "ana", "it differs", certificate=name)))


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


# --- on what runs already --------------------------------------------------------------------------------------------


@swap
def a_hot_swap_for_an_edited_version(w: World) -> None:
    w.write(w.text(version="2"))
    w.start()


@swap
def a_hot_swap_with_other_parameters(w: World) -> None:
    w.start(config={"size": 9})


@swap
def a_hot_swap_by_upload(w: World) -> None:
    w.start(w.upload(w.text(version="2")).json()["source_hash"])


@swap
def a_hot_swap_by_promotion(w: World) -> None:
    w.promote(w.text(version="2"), w.certificate(w.text()))


@swap
def a_changed_file_that_takes_over_by_itself(w: World) -> None:
    w.write(w.text(version="2"))

    async def watched() -> None:
        w.engine.watcher._auto_swap = True
        try:
            for _ in range(3):
                await w.engine.watcher.look()
        finally:
            w.engine.watcher._auto_swap = False

    w.call(watched())
