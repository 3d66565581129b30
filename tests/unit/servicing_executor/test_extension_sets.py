"""What becomes of a set of extensions: staging, removal, and what an update brings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.servicing_executor.domain.extension_sets import change_by_update, dependents, removal_order, unmet_staged
from services.servicing_executor.domain.extensions import (
    install_extension,
    stage_extension,
    uninstall_extension,
    unstage_extension,
)
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.views import environment_view
from shared.contracts.cloudevents import encode
from shared.contracts.extension_sets import brings, replaced
from shared.contracts.message import Command, Message
from shared.contracts.parts import Dependency, Extension
from shared.contracts.servicing_executor import (
    EnvironmentStatusChanged,
    ExtensionSetChanged,
    InstallExtension,
    OperationAccepted,
    OperationFinished,
    Outcome,
    Reason,
    StageExtension,
    StageFor,
    UninstallExtension,
    UnstageExtension,
)
from shared.kernel import Rejected
from tests.unit.servicing_executor.play import Play, app_id, envelope, environment, extension, staged

MINOR, MAJOR = StageFor.NEXT_MINOR, StageFor.NEXT_MAJOR
LEDGER, FREIGHT = extension("Ledger"), extension("Freight", Ledger="1.0")
RATES, SALES = extension("Rates", Freight="1.0"), extension("Sales")
ALL = (LEDGER, FREIGHT, RATES, SALES)
LEDGER_2 = extension("Ledger", "2.0")


@pytest.mark.parametrize(
    ("stage_for", "current", "coming", "installed"),
    [
        (MINOR, "26.0", "26.1", True),
        (MAJOR, "26.0", "26.1", False),
        (MINOR, "26.0", "27.0", True),
        (MAJOR, "26.9", "27.0", True),
        (MAJOR, "9.0", "10.0", True),
        (MINOR, "26.0", "26.0", False),
        (MAJOR, "26.0", "26.0", False),
        (MINOR, "26.0", None, False),
        (MAJOR, "26.0", None, False),
        (MINOR, None, "27.0", True),
        (MAJOR, None, "27.0", True),
    ],
)
def test_an_update_brings_what_is_staged_for_its_change_of_the_base(
    stage_for: StageFor, current: str | None, coming: str | None, installed: bool
) -> None:
    assert brings(stage_for, current, coming) is installed


def test_staged_versions_take_the_places_of_those_installed_and_the_others_stay_staged() -> None:
    later = staged(extension("Freight", "2.0", Ledger="2.0"), MAJOR)
    state = environment(*ALL, staged=(staged(LEDGER_2, MINOR), later))
    change = change_by_update(state, "26.0", "26.1")
    assert change
    assert change.extensions == (LEDGER_2, FREIGHT, RATES, SALES)
    assert change.staged == (later,)
    assert change.removed == ()
    assert replaced(state.extensions, change.extensions) == (LEDGER,)
    major = change_by_update(state, "26.0", "27.0")
    assert major
    assert major.extensions == (LEDGER_2, later.extension, RATES, SALES)
    assert major.staged == ()
    assert change_by_update(state, "26.0", "26.0") is None


def test_an_extension_that_is_removed_leaves_with_its_staged_version() -> None:
    state = environment(*ALL, staged=(staged(extension("Rates", "2.0")), staged(extension("Sales", "2.0"))))
    change = change_by_update(state, "26.0", "26.1", [FREIGHT.app_id, RATES.app_id])
    assert change
    assert change.extensions == (LEDGER, SALES)
    assert [one.extension.name for one in change.staged] == ["Sales"]
    assert change.removed == (RATES.app_id, FREIGHT.app_id)
    assert replaced(state.extensions, change.extensions) == ()


def test_dependents_are_found_through_others() -> None:
    assert dependents({LEDGER.app_id}, ALL) == (FREIGHT, RATES)
    assert dependents({LEDGER.app_id, RATES.app_id}, ALL) == (FREIGHT,)
    assert dependents({SALES.app_id, RATES.app_id}, ALL) == ()


def test_extensions_that_need_each_other_are_removed_nevertheless() -> None:
    one, other = extension("One", Other="1.0"), extension("Other", One="1.0")
    needy = extension("Needy", One="1.0")
    removed = {each.app_id for each in (one, other, needy)}
    assert removal_order(removed, (one, other, needy)) == (needy.app_id, one.app_id, other.app_id)


@st.composite
def sets(draw: st.DrawFn) -> tuple[Extension, ...]:
    """Extensions that need others before them."""
    found: list[Extension] = []
    for number in range(draw(st.integers(1, 7))):
        needs = draw(st.sets(st.sampled_from([one.name for one in found]))) if found else set()
        found.append(extension(f"E{number}", **dict.fromkeys(sorted(needs), "1.0")))
    return tuple(draw(st.permutations(found)))


@given(sets(), st.data())
def test_whatever_is_removed_goes_before_what_it_needs_and_leaves_nobody_without(
    extensions: tuple[Extension, ...], data: st.DataObject
) -> None:
    named = data.draw(st.sets(st.sampled_from([one.app_id for one in extensions]), min_size=1))
    removed = named | {one.app_id for one in dependents(named, extensions)}
    order = removal_order(removed, extensions)
    assert sorted(order) == sorted(removed)
    for one in extensions:
        needs = {need.app_id for need in one.dependencies}
        if one.app_id in removed:
            assert all(order.index(one.app_id) < order.index(app) for app in needs & removed)
        else:
            assert not needs & removed


def stage(one: Extension, stage_for: StageFor = MAJOR) -> StageExtension:
    return StageExtension(environment="contoso-test", extension=one, stage_for=stage_for)


def told(play: Play) -> list[type[Message]]:
    return [type(one) for one in play.events]


def test_staging_is_an_operation_that_ends_at_once_and_counts_the_set() -> None:
    play = Play(environment(*ALL)).command(stage_extension, stage(LEDGER_2, MINOR), id_="stage")
    assert told(play) == [OperationAccepted, ExtensionSetChanged, OperationFinished]
    [accepted], [changed], [finished] = (
        play.said(OperationAccepted),
        play.said(ExtensionSetChanged),
        play.said(OperationFinished),
    )
    assert (accepted.operation, accepted.operation_kind, accepted.steps) == ("stage", "stage-extension", ())
    assert changed.set_version == play.state.set_version == 8
    assert changed.extensions == ALL
    assert changed.staged == play.state.staged == (staged(LEDGER_2, MINOR),)
    assert finished.outcome is Outcome.SUCCEEDED
    assert finished.downtime_seconds is None
    assert play.state.operation is None
    assert not play.said(EnvironmentStatusChanged)


def test_a_version_that_is_staged_again_takes_the_place_of_the_first_and_may_be_lower() -> None:
    play = Play(environment(LEDGER)).command(stage_extension, stage(extension("Ledger", "3.0")))
    play.command(stage_extension, stage(LEDGER_2, MINOR), id_="again")
    assert play.state.staged == (staged(LEDGER_2, MINOR),)
    assert play.state.set_version == 9
    play.command(stage_extension, stage(LEDGER_2, MINOR), id_="same")
    assert play.state.set_version == 9
    assert play.said(OperationFinished)[-1].outcome is Outcome.SUCCEEDED
    assert len(play.said(ExtensionSetChanged)) == 2


def test_an_unstaged_version_is_told_as_a_change_of_the_set() -> None:
    state = environment(LEDGER, staged=(staged(LEDGER_2),))
    command = UnstageExtension(environment=state.id, app_id=LEDGER.app_id)
    play = Play(state).command(unstage_extension, command)
    assert told(play) == [OperationAccepted, ExtensionSetChanged, OperationFinished]
    assert play.state.staged == ()
    assert play.state.set_version == 8


@pytest.mark.parametrize(("version", "left"), [("1.5", ("2.0",)), ("2.0", ()), ("2.5", ())])
def test_installing_drops_a_staged_version_that_is_not_above(version: str, left: tuple[str, ...]) -> None:
    state = environment(LEDGER, staged=(staged(LEDGER_2),))
    command = InstallExtension(environment=state.id, extension=extension("Ledger", version))
    play = Play(state).command(install_extension, command)
    assert play.go_on().outcome is Outcome.SUCCEEDED
    assert tuple(one.extension.version for one in play.state.staged) == left
    [changed] = play.said(ExtensionSetChanged)
    assert (changed.extensions, changed.staged) == (play.state.extensions, play.state.staged)


def test_uninstalling_drops_the_staged_version_and_names_what_was_removed() -> None:
    state = environment(LEDGER, FREIGHT, staged=(staged(extension("Freight", "2.0")), staged(LEDGER_2)))
    play = Play(state).command(uninstall_extension, UninstallExtension(environment=state.id, app_id=FREIGHT.app_id))
    finished = play.go_on()
    assert finished.removed_extensions == (FREIGHT.app_id,)
    assert play.state.extensions == play.machine.extensions == (LEDGER,)
    assert play.state.staged == (staged(LEDGER_2),)


def real(name: str, version: str, needs: int) -> Extension:
    """An extension with names as long as real ones have them."""
    one = extension(name, version)
    dependencies = (Dependency(app_id=app_id("E0"), minimum_version="1.0"),) * needs
    return one.replace(
        name=f"{name}: Contoso Freight Forwarding for Europe",
        publisher="Contoso Logistics GmbH & Co. KG",
        dependencies=dependencies,
    )


@pytest.mark.parametrize(
    ("needs", "installed", "waiting", "fits"),
    [
        (3, 199, 0, True),
        (3, 199, 100, True),
        (3, 199, 198, False),
        (50, 40, 0, True),
        (50, 20, 19, True),
        (50, 60, 0, False),
    ],
)
def test_as_much_is_installed_and_staged_as_messages_hold(
    needs: int, installed: int, waiting: int, *, fits: bool
) -> None:
    extensions = tuple(real(f"E{number}", "1.0", needs) for number in range(installed))
    newer = tuple(staged(real(f"E{number}", "2.0", needs)) for number in range(1, waiting + 1))
    state = environment(*extensions, staged=newer)
    one_more = InstallExtension(environment=state.id, extension=real("One more", "1.0", 0))
    restaged = stage(real("E0", "2.0", 0))
    for function, command in ((install_extension, one_more), (stage_extension, restaged)):
        play = Play(state)
        if not fits:
            with pytest.raises(Rejected, match=r"are the most\. Uninstall or unstage some first") as refused:
                play.command(function, command)
            assert refused.value.reason is Reason.TOO_MANY_EXTENSIONS
            continue
        play.command(function, command)
        play.go_on()
        for message in (*play.said(ExtensionSetChanged), environment_view(state.id, play.state)):
            encode(envelope(message))


NAMES = ("Ledger", "Freight", "Rates")
extensions = st.builds(
    lambda name, version, needs: extension(
        name, f"{version}.0", **{one: f"{least}.0" for one, least in needs.items() if one != name}
    ),
    st.sampled_from(NAMES),
    st.integers(1, 4),
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4), max_size=2),
)
commands = st.one_of(
    st.builds(lambda one: InstallExtension(environment="contoso-test", extension=one), extensions),
    st.builds(stage, extensions, st.sampled_from(StageFor)),
    st.builds(lambda n: UninstallExtension(environment="contoso-test", app_id=app_id(n)), st.sampled_from(NAMES)),
    st.builds(lambda n: UnstageExtension(environment="contoso-test", app_id=app_id(n)), st.sampled_from(NAMES)),
)
FUNCTIONS = {
    InstallExtension: install_extension,
    StageExtension: stage_extension,
    UnstageExtension: unstage_extension,
    UninstallExtension: uninstall_extension,
}


@given(st.lists(commands, max_size=12))
def test_whatever_is_done_every_version_that_an_update_brings_finds_what_it_needs(done: list[Command]) -> None:
    play = Play(environment())
    for number, command in enumerate(done):
        try:
            play.command(FUNCTIONS[type(command)], command, id_=str(number))
        except Rejected:
            continue
        play.go_on()
    check_whole(play.state)
    for coming in ("26.1", "27.0"):
        change = change_by_update(play.state, "26.0", coming)
        if change:
            after = play.state.replace(extensions=change.extensions, staged=change.staged)
            check_whole(after)


def check_whole(state: Environment) -> None:
    versions = {one.app_id: float(one.version) for one in state.extensions}
    assert len(versions) == len(state.extensions)
    for one in state.extensions:
        assert all(float(need.minimum_version) <= versions[need.app_id] for need in one.dependencies)
    for waiting in state.staged:
        assert float(waiting.extension.version) > versions[waiting.extension.app_id]
    assert unmet_staged(state.extensions, state.staged) == {}
