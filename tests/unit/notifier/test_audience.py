"""Who is told."""

import pytest

from services.notifier.domain.audience import add_recipient, addresses, remove_recipient
from services.notifier.domain.guards import RECIPIENTS_LIMIT
from services.notifier.domain.state import Audience
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import AddRecipient, AudienceChanged, Reason, Recipient, RemoveRecipient
from shared.kernel import Rejected
from tests.support.told_events import AT

ADA = "ada@contoso.example"


def audience(*recipients: tuple[str, str | None]) -> Audience:
    return Audience(recipients=tuple(Recipient(address=address, environment=one) for address, one in recipients))


def added(state: Audience | None, address: str, environment: str | None = None) -> Audience:
    command = AddRecipient(project="contoso", address=address, environment=environment)
    decision = add_recipient(state, Envelope(id="c1", source="test", time=AT, data=command), None, AT)
    assert decision.state is not None
    assert decision.events == [AudienceChanged(project="contoso", recipients=decision.state.recipients)]
    return decision.state


def removed(state: Audience | None, address: str, environment: str | None = None) -> Audience:
    command = RemoveRecipient(project="contoso", address=address, environment=environment)
    decision = remove_recipient(state, Envelope(id="c1", source="test", time=AT, data=command), None, AT)
    assert decision.state is not None
    return decision.state


@pytest.mark.parametrize(
    ("there", "asked", "refused"),
    [
        ((ADA, None), (ADA, None), True),
        ((ADA, None), (ADA.upper(), None), True),
        ((ADA, None), (ADA, "contoso-test"), True),
        ((ADA, "contoso-test"), (ADA, "contoso-test"), True),
        ((ADA, "contoso-test"), (ADA, "contoso-prod"), False),
        ((ADA, "contoso-test"), (ADA, None), False),
        (("bob@contoso.example", None), (ADA, None), False),
    ],
)
def test_a_recipient_that_would_be_told_already_is_refused(
    there: tuple[str, str | None], asked: tuple[str, str | None], refused: bool
) -> None:
    if not refused:
        assert len(added(audience(there), *asked).recipients) == 2
        return
    with pytest.raises(Rejected) as rejected:
        added(audience(there), *asked)
    assert rejected.value.reason is Reason.RECIPIENT_EXISTS


def test_a_project_has_a_limited_number_of_recipients() -> None:
    full = audience(*((f"person{number}@contoso.example", None) for number in range(RECIPIENTS_LIMIT)))
    with pytest.raises(Rejected) as rejected:
        added(full, ADA)
    assert rejected.value.reason is Reason.TOO_MANY_RECIPIENTS


def test_a_recipient_is_removed_as_it_was_added() -> None:
    state = audience((ADA, None), (ADA, "contoso-test"))
    assert removed(state, ADA.upper()).recipients == state.recipients[1:]
    assert removed(state, ADA, "contoso-test").recipients == state.recipients[:1]
    for unknown in (None, audience((ADA, "contoso-test"))):
        with pytest.raises(Rejected) as rejected:
            removed(unknown, ADA)
        assert rejected.value.reason is Reason.RECIPIENT_UNKNOWN


def test_an_address_is_told_once_about_its_own_environment_or_the_whole_project() -> None:
    state = audience((ADA, "contoso-test"), (ADA.upper(), None), ("bob@contoso.example", "contoso-prod"))
    assert addresses(state, "contoso-test") == (ADA,)
    assert addresses(state, "contoso-prod") == (ADA.upper(), "bob@contoso.example")
    assert addresses(None, "contoso-test") == ()
