"""What the mail about a refused promotion says: why, what stands in the way, and what to do."""

import pytest

from services.notifier.domain.promotions import EXTENSIONS_NAMED
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import Reason
from tests.support.told_events import APP, refused
from tests.unit.notifier.told import mail_of

AGAIN = 'drydock promotion schedule contoso-test/"November release" --to contoso-prod --start TIME'


def test_each_extension_that_stands_in_the_way_is_named_with_what_was_found() -> None:
    facts = [(row.label, row.value) for row in mail_of(refused("contoso")).content.facts]
    assert ("Downtime start, asked for", "21 November 2026, 22:00 UTC") in facts
    assert facts[-1] == (
        "Extension, incompatible",
        f"Contoso Freight 4.2.0.17 by Contoso Ltd. ({APP}): table <Vendor> is gone (3 findings in all)",
    )


def test_of_many_extensions_some_are_named_and_the_others_counted() -> None:
    [one] = refused("contoso").extensions
    many = refused("contoso", extensions=(one,) * (EXTENSIONS_NAMED + 5))
    facts = mail_of(many).content.facts
    assert [row.label for row in facts].count("Extension, incompatible") == EXTENSIONS_NAMED
    assert (facts[-1].label, facts[-1].value) == ("Further extensions", "5")


def test_extensions_that_the_event_only_counts_are_counted_with_the_others() -> None:
    [one] = refused("contoso").extensions
    facts = mail_of(
        refused("contoso", extensions=(one,) * (EXTENSIONS_NAMED + 5), further_extensions=150)
    ).content.facts
    assert (facts[-1].label, facts[-1].value) == ("Further extensions", "155")
    unverifiable = Problem(reason=Reason.EXTENSIONS_UNVERIFIABLE, message="so it was")
    letter = mail_of(refused("contoso", problem=unverifiable, further_extensions=150)).content
    assert letter.next_steps[-1].endswith(f"{APP} and so on for the 150 further extensions")


@pytest.mark.parametrize(
    ("reason", "why", "step"),
    [
        (Reason.EXTENSIONS_INCOMPATIBLE, "do not work with the base", "drydock extension stage contoso-prod NEW.app"),
        (Reason.EXTENSIONS_UNVERIFIABLE, "cannot be told", f"{AGAIN} --acknowledge-unverifiable {APP}"),
        (Reason.CHECK_FAILED, "could not be checked", "Nothing is wrong with the extensions"),
        (Reason.CANCELLED_BY_USER, "somebody cancelled it", "To promote it after all"),
    ],
)
def test_the_reason_decides_what_to_do_and_the_promotion_can_always_be_asked_for_again(
    reason: Reason, why: str, step: str
) -> None:
    letter = mail_of(refused("contoso", problem=Problem(reason=reason, message="so it was"))).content
    assert why in letter.headline
    assert letter.headline.endswith("The environment stays as it is.")
    assert letter.reason == "so it was"
    assert any(step in one for one in letter.next_steps)
    assert AGAIN in letter.next_steps[-1]
