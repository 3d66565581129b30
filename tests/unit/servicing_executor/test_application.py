"""Which application environments have."""

import pytest

from services.servicing_executor.runtimes.application import REFERENCE_APPLICATION, load_application


def test_the_reference_application_is_found_by_its_name() -> None:
    application = load_application(REFERENCE_APPLICATION)
    assert application.service(application.front)


@pytest.mark.parametrize("name", ["", "nowhere:application", "json", "json:nothing", ":application"])
def test_a_name_that_is_no_applications_is_told(name: str) -> None:
    with pytest.raises(ValueError, match=f"DRYDOCK_APPLICATION is {name!r}, .* module:function"):
        load_application(name)
