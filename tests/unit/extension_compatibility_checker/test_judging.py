"""Judging sets: what is judged again when something changes, and that what is reused is what would be found anew."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from services.extension_compatibility_checker import child
from services.extension_compatibility_checker.base_indexes import BaseIndexes, index_key
from services.extension_compatibility_checker.judgement_cache import (
    CODE,
    JudgementCache,
    clusters,
    code_digest,
    judgement_key,
    shares,
    surroundings,
)
from services.extension_compatibility_checker.judging import Judging, SetJudgement, TargetIndexes
from services.extension_compatibility_checker.reading import IndexDamaged, Reading
from services.extension_compatibility_checker.requests import ExtensionsJudged, Judge, Sight
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.children import ChildDied
from shared.contracts.parts import ArtifactRef, Extension, ExtensionScope
from shared.formats import al
from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.finding import Compatibility, Report
from shared.formats.al.package.container import open_package
from shared.formats.al.package.manifest import AppRef
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import App, AppIndex
from tests.support.al_packages import base_app, codeunit, container, extension, field, table

BASE = base_app(table(18, "Customer", field(1, "No.", "Code[20]")))
NEXT = base_app(version="25.2.1.0")
ONE, TWO, THREE, FOUR, FIVE = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "12345")
NAMES = {ONE: "One", TWO: "Two", THREE: "Three", FOUR: "Four", FIVE: "Five"}


def source(number: int, app_id: str, uses: str = "Customer") -> str:
    return f"codeunit {number} {NAMES[app_id]} {{ var C: Record {uses}; }}"


class Bench:
    """A store with extensions, and somebody who judges them."""

    def __init__(self, folder: Path, reading: Reading) -> None:
        self.store = FolderStore(folder / "artifacts")
        self.indexes = BaseIndexes(folder / "bases", self.store, reading)
        self.judgements = JudgementCache(folder / "judgements", 1000)
        self.reading = reading

    async def put(self, content: bytes) -> ArtifactRef:
        kept = await self.store.put_bytes(content, "application/octet-stream")
        return ArtifactRef.of(kept)

    async def target(self, *packages: bytes) -> TargetIndexes:
        artifacts = [await self.put(package) for package in packages]
        files = [await self.indexes.file(artifact, "W1") for artifact in artifacts]
        return TargetIndexes(
            tuple(str(one.path) for one in files), tuple(index_key(artifact, "W1") for artifact in artifacts)
        )

    async def extension(
        self, app_id: str, text: str, *needs: str, version: str = "1.0.0.0", content: bytes | None = None
    ) -> Extension:
        wanted = [(one, NAMES[one], "Contoso", "1.0.0.0") for one in needs]
        package = extension(text, app_id=app_id, name=NAMES[app_id], version=version, dependencies=wanted)
        return Extension(
            app_id=app_id,
            name=NAMES[app_id],
            publisher="Contoso",
            version=version,
            scope=ExtensionScope.TENANT,
            artifact=await self.put(content if content is not None else package),
            dependencies=(),
        )

    async def judge(
        self, set_: Sequence[Extension], target: TargetIndexes, old: TargetIndexes | None = None
    ) -> SetJudgement:
        judging = Judging(self.store, self.reading, self.judgements)
        return await judging.judge(set_, (), target, old or TargetIndexes())


@pytest.fixture(scope="module")
def reading() -> Iterator[Reading]:
    some = Reading(2, indexes=4, memory=0)
    yield some
    some.close()


@pytest.fixture
def bench(tmp_path: Path, reading: Reading) -> Bench:
    return Bench(tmp_path, reading)


def verdicts(judgement: SetJudgement) -> list[Compatibility]:
    return [report.verdict for report in judgement.reports]


async def five(bench: Bench) -> list[Extension]:
    """Two needs One, Three needs Two; Four and Five have nothing to do with them."""
    return [
        await bench.extension(ONE, source(50001, ONE)),
        await bench.extension(TWO, source(50002, TWO), ONE),
        await bench.extension(THREE, source(50003, THREE), TWO),
        await bench.extension(FOUR, source(50004, FOUR)),
        await bench.extension(FIVE, source(50005, FIVE)),
    ]


def test_a_judgement_rests_on_extensions_with_the_name_of_a_dependency_whatever_their_ids() -> None:
    wanted = AppRef(THREE, "Two", "Contoso", Version())
    sights = {
        "one": Sight(App(ONE, "One", "Contoso", Version(1), dependencies=(wanted,))),
        "two": Sight(App(TWO, "Two", "Contoso", Version(1))),
        "four": Sight(App(FOUR, "Two", "Fabrikam", Version(1))),
    }
    assert surroundings(sights).context["one"] == ("one", "two")


@pytest.mark.parametrize(
    ("changed", "affected"),
    [(ONE, {ONE, TWO, THREE}), (TWO, {TWO, THREE}), (THREE, {THREE}), (FOUR, {FOUR}), (FIVE, {FIVE})],
)
async def test_after_one_extension_of_five_changed_only_those_that_see_it_are_judged_again(
    bench: Bench, changed: str, affected: set[str]
) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    assert (await bench.judge(set_, target)).reused == frozenset()
    assert (await bench.judge(set_[::-1], target)).reused == set(NAMES)
    needs = {TWO: (ONE,), THREE: (TWO,)}.get(changed, ())
    number = 50001 + list(NAMES).index(changed)
    newer = await bench.extension(changed, source(number, changed), *needs, version="1.1.0.0")
    after = await bench.judge([newer if one.app_id == changed else one for one in set_], target)
    assert set(NAMES) - after.reused == affected
    assert verdicts(after) == [Compatibility.COMPATIBLE] * 5


async def test_only_what_was_not_judged_before_is_given_to_the_children(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    await bench.judge(set_, target)
    asked: list[str] = []
    ask = bench.reading.ask

    async def listening(request: object, answer: type[object], **files: object) -> object:
        if isinstance(request, Judge):
            asked.extend(package.label for package in request.packages)
        return await ask(request, answer, **files)  # type: ignore[arg-type, type-var]  # passed on as it came

    monkeypatch.setattr(bench.reading, "ask", listening)
    newer = await bench.extension(FOUR, source(50004, FOUR), version="1.1.0.0")
    await bench.judge([*set_[:3], newer, set_[4]], target)
    assert asked == [f"{FOUR}.app"]


async def test_what_comes_to_clash_is_judged_again_and_so_is_what_does_so_no_more(bench: Bench) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    await bench.judge(set_, target)
    clashing = await bench.extension(FIVE, source(50004, FIVE), version="1.1.0.0")
    after = await bench.judge([*set_[:4], clashing], target)
    assert set(NAMES) - after.reused == {FOUR, FIVE}
    assert verdicts(after)[3:] == [Compatibility.INCOMPATIBLE] * 2
    assert [finding.code for finding in after.reports[3].findings] == ["AL0264"]
    assert (await bench.judge(set_, target)).reused == set(NAMES)


async def test_what_a_dependency_comes_to_clash_with_is_seen_by_those_that_need_it(bench: Bench) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    await bench.judge(set_, target)
    clashing = await bench.extension(FIVE, source(50001, FIVE), version="1.1.0.0")
    after = await bench.judge([*set_[:4], clashing], target)
    assert set(NAMES) - after.reused == {ONE, TWO, THREE, FIVE}
    assert [finding.code for finding in after.reports[1].findings] == ["DRYDOCK"]


async def test_another_base_and_another_base_in_use_are_other_questions(bench: Bench) -> None:
    target, following = await bench.target(BASE), await bench.target(NEXT)
    set_ = await five(bench)
    await bench.judge(set_, target)
    after = await bench.judge(set_, following)
    assert after.reused == frozenset()
    assert verdicts(after) == [Compatibility.INCOMPATIBLE] * 5
    assert (await bench.judge(set_, following, target)).reused == frozenset()
    assert (await bench.judge(set_, following, target)).reused == set(NAMES)


async def test_a_package_that_cannot_be_read_makes_what_is_missing_uncertain(bench: Bench) -> None:
    target = await bench.target(BASE)
    needy = await bench.extension(TWO, source(50002, TWO), ONE)
    runtime = await bench.extension(ONE, "", content=container(b".NEA" + bytes(100), declared=96))
    stranger = await bench.extension(FOUR, source(50004, FOUR))
    other = stranger.model_copy(update={"app_id": FIVE, "name": "Five"})
    alone = await bench.judge([needy], target)
    assert verdicts(alone) == [Compatibility.INCOMPATIBLE]
    beside = await bench.judge([needy, runtime, stranger, other], target)
    assert verdicts(beside) == [
        Compatibility.UNVERIFIABLE,
        Compatibility.UNVERIFIABLE,
        Compatibility.COMPATIBLE,
        Compatibility.UNVERIFIABLE,
    ]
    assert "runtime package" in beside.reports[1].undecided[0]
    assert beside.reports[3].undecided == (f"the file is Four 1.0.0.0 ({FOUR}), not Five 1.0.0.0 ({FIVE})",)
    assert beside.reports[1].name == "One"


async def test_sets_that_are_judged_in_parts_get_the_reports_of_a_set_that_is_judged_at_once(bench: Bench) -> None:
    base = base_app(table(18, "Customer", field(1, "No.", "Code[20]")), codeunit(80, "Sales-Post"))
    target = await bench.target(base)
    index = [AppIndex.load(Path(path)) for path in target.files]
    dice = Random(7)
    ids = list(NAMES)
    for _ in range(12):
        texts, needs = {}, {}
        for at, app_id in enumerate(ids):
            uses = dice.choice(["Customer", "Customer", "Vendor"])
            texts[app_id] = source(dice.choice([50000, 50001, 50002 + at]), app_id, uses)
            needs[app_id] = [one for one in ids[:at] if dice.random() < 0.3]
        order = dice.sample(ids, dice.randint(1, 5))
        set_ = [await bench.extension(one, texts[one], *needs[one]) for one in order]
        contents = {one.app_id: await bench.store.read(one.artifact.digest, limit=10**6) for one in set_}
        packages = [open_package(contents[one], f"{one}.app") for one in sorted(contents)]
        expected = {report.id: report for report in check_packages(packages, TargetSet(index, is_whole=True))}
        for _ in range(2):
            found = await bench.judge(set_, target)
            assert {report.id: told(report) for report in found.reports} == {
                one: told(report) for one, report in expected.items()
            }


def told(report: Report) -> tuple[object, ...]:
    """What a report says; in which order two equal findings stand is no matter."""
    return report.verdict, sorted(map(repr, report.findings)), report.undecided


async def test_faults_are_raised_and_nothing_of_them_is_kept(bench: Bench) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    (bench.store._root / "blobs" / "sha256" / set_[0].artifact.digest.removeprefix("sha256:")).unlink()
    with pytest.raises(ArtifactMissingError):
        await bench.judge(set_, target)
    with pytest.raises(IndexDamaged):
        await bench.judge(set_[3:], TargetIndexes(("/nowhere.index",), ("nowhere",)))
    assert (await bench.judge(set_[3:], target)).reused == frozenset()


async def test_a_damaged_file_in_the_cache_is_as_none(bench: Bench, tmp_path: Path) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    await bench.judge(set_, target)
    for path in (tmp_path / "judgements").glob("*/*"):
        path.write_bytes(b"x")
    again = await bench.judge(set_, target)
    assert (again.reused, verdicts(again)) == (frozenset(), [Compatibility.COMPATIBLE] * 5)


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    kept = JudgementCache(tmp_path, 100)
    report = Report("id", "App", "Contoso", "1.0.0.0", Compatibility.COMPATIBLE, ())
    for number in range(1001):
        kept.keep_report(f"{number:064}", report)
    files = list(tmp_path.glob("*/*"))
    assert len(files) < 600
    assert kept.report(f"{1000:064}") == report
    assert kept.report(f"{0:064}") is None


def test_every_part_of_a_question_makes_another_key() -> None:
    def key(**changes: object) -> str:
        given = {
            "label": "a",
            "context": ("a", "b"),
            "digests": {"a": "1", "b": "2", "c": "3"},
            "replaced": {},
            "bases": ("x",),
            "old": (),
            "has_unread": False,
        } | changes
        return judgement_key(**given)  # type: ignore[arg-type]  # a table of changes

    others = [
        key(label="b"),
        key(context=("a",)),
        key(context=("a", "c")),
        key(digests={"a": "1", "b": "4"}),
        key(digests={"a": "4", "b": "2"}),
        key(replaced={"a": "0"}),
        key(bases=("y",)),
        key(bases=("x", "y")),
        key(old=("x",)),
        key(has_unread=True),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key(digests={"a": "1", "b": "2", "c": "other"}) == key()


def test_groups_that_have_nothing_in_common_are_shared_by_size() -> None:
    context = {"a": ("a", "b"), "b": ("b",), "c": ("c",), "d": ("d",), "e": ("c", "e")}
    groups = clusters("abcde", context)
    assert sorted(map(sorted, groups)) == [["a", "b"], ["c", "e"], ["d"]]
    sizes = {"a": 5, "b": 5, "c": 3, "e": 3, "d": 4}
    assert sorted(map(sorted, shares(groups, sizes, 2))) == [["a", "b"], ["c", "d", "e"]]
    assert shares([], {}, 2) == []


def test_what_cannot_be_read_has_no_surroundings() -> None:
    around = surroundings({"a": Sight(None, "damaged")})
    assert (around.unread, around.context) == (("a",), {})


async def test_a_fault_of_one_child_ends_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    target = await bench.target(BASE)
    set_ = await five(bench)
    await bench.judge(set_[:1], target)
    ended: list[str] = []
    other_begun = asyncio.Event()

    async def failing(request: object, answer: type[object], **files: object) -> object:
        if len(ended) == 0:
            ended.append("first")
            await other_begun.wait()
            raise ChildDied("it died")
        other_begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("other")
            raise
        return ExtensionsJudged({})

    monkeypatch.setattr(bench.reading, "ask", failing)
    with pytest.raises(ChildDied, match="it died"):
        await bench.judge(set_[1:], target)
    assert ended == ["first", "other"]


def test_a_change_in_any_file_of_the_code_that_judges_makes_other_keys(tmp_path: Path) -> None:
    library, child = tmp_path / "library", tmp_path / "child.py"
    files = [library / "finding.py", library / "check" / "rules.py", library / "source" / "parser.py", child]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    digests = [code_digest(library, child)]
    for path in files:
        path.write_text("second")
        digests.append(code_digest(library, child))
    assert len(set(digests)) == len(digests)


def test_the_key_of_a_judgement_holds_a_digest_of_the_library_that_judges() -> None:
    assert code_digest(Path(al.__file__).parent, Path(child.__file__)) == CODE
    assert len(list(Path(al.__file__).parent.rglob("*.py"))) > 20
