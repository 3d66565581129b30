"""What refuses a base that is published."""

from services.extension_compatibility_checker.domain.state import Base
from shared.contracts.extension_compatibility_checker import BaseStatus, PublishBase, Reason
from shared.kernel import Rejected

_TAKEN = frozenset({BaseStatus.INDEXING, BaseStatus.INDEXED})


def check_base_is_free(state: Base, command: PublishBase) -> None:
    """A base that has an index, or comes to have one, keeps its packages."""
    if state.status in _TAKEN and not state.consists_of(command.packages):
        raise Rejected(
            Reason.BASE_EXISTS,
            f"base {command.base} was published from other packages; another base needs another version or country",
            facts={"packages": [one.digest for one in state.packages]},
        )
