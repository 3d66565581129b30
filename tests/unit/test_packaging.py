"""The plain import names are ours alone."""

from importlib.metadata import packages_distributions


def test_no_other_distribution_provides_our_import_names() -> None:
    owners = packages_distributions()
    foreign = {
        name: others for name in ("services", "shared", "deploy") if (others := set(owners.get(name, [])) - {"drydock"})
    }
    assert foreign == {}
