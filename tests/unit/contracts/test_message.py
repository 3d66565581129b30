"""What a message is."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from shared.contracts.common import WorkProgressed
from shared.contracts.message import Command, Count, Event, Instant, Part, Snapshot, utc_text
from shared.contracts.servicing_executor import ApplyUpdate, SignOff, SignOffUpdate


class OrderBerth(Command, key="dock"):
    dock: str
    length: Count = 0
    start: Instant | None = None


class OrderBerthV2(Command, key="dock"):
    dock: str


class OrderBerthV12(Command, key="dock"):
    dock: str


def test_the_type_name_says_service_message_and_major_version() -> None:
    assert OrderBerth.type == "test-message.order-berth.v1"
    assert OrderBerthV2.type == "test-message.order-berth.v2"
    assert OrderBerthV12.type == "test-message.order-berth.v12"
    assert WorkProgressed.type == "drydock.work-progressed.v1"


def test_the_key_is_the_value_of_the_field_that_the_class_names() -> None:
    assert OrderBerth(dock="north").key == "north"
    assert ApplyUpdate(environment="contoso-test", package="contoso/a", update_name="A").key == "contoso-test"


def test_a_key_that_is_no_field_is_an_error_of_the_class() -> None:
    with pytest.raises(TypeError, match="names 'pier' as its key, which is not one of its fields"):

        class Lost(Event, key="pier"):
            dock: str


def test_a_command_of_services_names_its_senders_and_any_other_is_public() -> None:
    class MoveBerth(Command, key="dock", senders=("harbour-master", "pilot")):
        dock: str

    assert MoveBerth.senders == ("harbour-master", "pilot")
    assert (OrderBerth.senders, Command.senders) == ((), ())


def test_senders_of_what_is_no_command_are_an_error_of_the_class() -> None:
    with pytest.raises(TypeError, match="Moved names senders, which only a command has"):

        class Moved(Event, key="dock", senders=("pilot",)):
            dock: str


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OrderBerth(dock="north").dock = "south"  # type: ignore[misc]  # what must not work


def test_fields_that_a_reader_does_not_know_are_ignored() -> None:
    read = OrderBerth.model_validate_json('{"dock": "north", "harbour": {"name": "later version"}}')
    assert read == OrderBerth(dock="north")


@pytest.mark.parametrize(
    "value", ['{"dock": 7}', '{"dock": "north", "length": "12"}', '{"dock": "north", "length": true}']
)
def test_values_are_not_converted_to_the_type_that_would_fit(value: str) -> None:
    with pytest.raises(ValidationError):
        OrderBerth.model_validate_json(value)


@pytest.mark.parametrize(
    ("length", "fits"), [(0, True), (2**53 - 1, True), (-1, False), (2**53, False), (10**40, False)]
)
def test_numbers_stay_within_what_every_reader_of_json_can_hold(length: int, fits: bool) -> None:
    value = f'{{"dock": "north", "length": {length}}}'
    if fits:
        assert OrderBerth.model_validate_json(value).length == length
    else:
        with pytest.raises(ValidationError):
            OrderBerth.model_validate_json(value)


def test_a_number_that_is_none_is_refused() -> None:
    told = '{"subject": "a", "work": "b", "at": "2026-11-21T22:00:00Z", "done": %s, "total": 1, "unit": "files"}'
    assert WorkProgressed.model_validate_json(told % "0.5").done == 0.5
    with pytest.raises(ValidationError):
        WorkProgressed.model_validate_json(told % "NaN")


def test_times_are_kept_in_utc_whatever_their_offset() -> None:
    read = OrderBerth.model_validate_json('{"dock": "north", "start": "2026-11-21T23:30:00+01:30"}')
    assert read.start == datetime(2026, 11, 21, 22, tzinfo=UTC)
    assert read.start is not None
    assert read.start.tzinfo is UTC
    assert '"start":"2026-11-21T22:00:00Z"' in read.model_dump_json()


@pytest.mark.parametrize("start", ["2026-11-21T22:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", 5])
def test_times_without_offset_or_beyond_the_calendar_are_refused(start: object) -> None:
    with pytest.raises(ValidationError):
        OrderBerth.model_validate_json(f'{{"dock": "north", "start": {repr(start).replace(chr(39), chr(34))}}}')


def test_utc_text_is_utc_with_microseconds() -> None:
    east = timezone(timedelta(hours=2))
    assert utc_text(datetime(2026, 11, 21, 22, tzinfo=east)) == "2026-11-21T20:00:00.000000Z"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  November release\t", "November release"),
        ("x" * 100, "x" * 100),
        ("Grüße, 東京", "Grüße, 東京"),
        ("", None),
        ("   ", None),
        ("x" * 101, None),
        ("two\nlines", None),
        ("bell\x07", None),
    ],
)
def test_update_names_have_1_to_100_characters_without_blanks_around(name: str, kept: str | None) -> None:
    def named() -> SignOffUpdate:
        return SignOffUpdate(environment="contoso-test", update_name=name, sign_off=SignOff.CLEAN)

    if kept is None:
        with pytest.raises(ValidationError):
            named()
    else:
        assert named().update_name == kept


@pytest.mark.parametrize(
    ("environment", "fits"),
    [("a", True), ("contoso-test-2", True), ("x" * 63, True)]
    + [(wrong, False) for wrong in ("", "x" * 64, "Contoso", "-a", "a-", "a_b", "a.b", "a b", "a\n", "ä")],
)
def test_slugs_are_lower_case_letters_digits_and_inner_hyphens(environment: str, fits: bool) -> None:
    def applied() -> ApplyUpdate:
        return ApplyUpdate(environment=environment, package="contoso/a", update_name="A")

    if fits:
        assert applied().environment == environment
    else:
        with pytest.raises(ValidationError):
            applied()


def test_parts_and_snapshots_are_as_tolerant_as_messages() -> None:
    class Berth(Part):
        length: int

    class Dock(Snapshot, key="dock"):
        dock: str
        berths: tuple[Berth, ...]

    read = Dock.model_validate_json('{"dock": "north", "berths": [{"length": 3, "depth": 1}], "new": 1}')
    assert read == Dock(dock="north", berths=(Berth(length=3),))
