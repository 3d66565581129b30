"""Whether an image is what it says, and went through what it must: decided offline, from a store and a trust file.

Each part of a policy is judged by itself, so that whoever is refused learns all that is missing. A statement counts if
its signature is of a key that is trusted for its kind, if it is about this very image (or a package that it is made
from), and if it says what is needed. What else lies beside it does no harm: one that counts is enough.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec

from shared.artifacts.errors import ArtifactUnusableError
from shared.artifacts.image import Image, load_image, verify_image
from shared.artifacts.port import ArtifactStore
from shared.attestations.envelope import payload_of
from shared.attestations.errors import EnvelopeError, UntrustedError
from shared.attestations.evidence import StoredStatement, statements_about
from shared.attestations.predicates import VALID, CandidateMark, SandboxApply, SignedOff, ValidationReport
from shared.attestations.provenance import packages_of, provenance_objections
from shared.attestations.sbom import sbom_objections
from shared.attestations.statement import Statement, StatementKind, read_statement
from shared.attestations.trust import Trust

P = TypeVar("P", ValidationReport, SandboxApply, SignedOff, CandidateMark)


class ImagePolicy(StrEnum):
    """What an image must have gone through; each asks for all that the one before it asks for, and more."""

    BUILT = "built"
    """Its bytes are right, and image-builder says what is in it and what it was built from."""
    PRODUCTION = "production"
    """Its packages were valid, it was deployed on a sandbox with success, and is a release candidate there."""
    PRODUCTION_SIGNED_OFF = "production-signed-off"
    """And the customer has signed it off there."""


class ImagePart(StrEnum):
    """What is judged."""

    LAYERS = "layers"
    SBOM = "sbom"
    PROVENANCE = "provenance"
    VALIDATION_REPORT = "validation-report"
    SANDBOX_APPLY = "sandbox-apply"
    SIGN_OFF = "sign-off"
    CANDIDATE = "candidate"


class PartVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a part. `message` is a sentence; `way_out` is what to do, empty where all is well.

    `absent`: nothing is wrong with what is there, but the statement is not there; it may still come.
    """

    part: ImagePart
    ok: bool
    message: str
    way_out: str = ""
    absent: bool = False


class ImageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of a policy on an image, part by part."""

    image: str
    policy: ImagePolicy
    parts: tuple[PartVerdict, ...]

    @property
    def ok(self) -> bool:
        return all(one.ok for one in self.parts)

    @property
    def refusals(self) -> tuple[PartVerdict, ...]:
        return tuple(one for one in self.parts if not one.ok)

    @property
    def only_absent(self) -> bool:
        """Whether it is refused for nothing but statements that are not there, or not there yet."""
        return not self.ok and all(one.absent for one in self.refusals)


_BUILT_AGAIN = "apply the package to a sandbox again, which builds the image anew and states this"
_WAYS_OUT = {
    ImagePart.LAYERS: "`drydock store verify` names what is damaged; apply the package again, which stores it anew",
    ImagePart.SBOM: _BUILT_AGAIN,
    ImagePart.PROVENANCE: _BUILT_AGAIN,
    ImagePart.VALIDATION_REPORT: "submit the package again, or have it checked again, so that its check is stated",
    ImagePart.SANDBOX_APPLY: "apply the package to a sandbox, and promote that update",
    ImagePart.SIGN_OFF: "sign the update off: `drydock update sign-off ENVIRONMENT/NAME`",
    ImagePart.CANDIDATE: "mark the update: `drydock update mark-candidate ENVIRONMENT/NAME`",
}


@dataclass(frozen=True)
class _Judged:
    """The statements of a kind that count, and why others do not."""

    good: tuple[Statement, ...]
    bad: tuple[str, ...]


async def judge_image(store: ArtifactStore, digest: str, policy: ImagePolicy, trust: Trust) -> ImageVerdict:
    """Judge an image, all its bytes included. Raise ArtifactStoreError where the store cannot be read at all."""
    problems = await verify_image(store, digest)
    try:
        image = await load_image(store, digest)
    except ArtifactUnusableError as error:
        return ImageVerdict(image=digest, policy=policy, parts=(_refused(ImagePart.LAYERS, str(error)),))
    if problems:
        layers = _refused(ImagePart.LAYERS, "; ".join(problems))
    else:
        layers = _fine(ImagePart.LAYERS, f"{len(image.layers)} layer(s), every byte as the image says")
    found = await statements_about(store, digest)
    of_packages = {package: await statements_about(store, package) for _, package in packages_of(image.contents)}
    judge = _ImageJudge(image, trust, found, of_packages)
    parts = [layers, judge.sbom(), judge.provenance()]
    if policy is not ImagePolicy.BUILT:
        parts += [judge.validation(), *judge.way_through_sandbox(signed=policy is ImagePolicy.PRODUCTION_SIGNED_OFF)]
    return ImageVerdict(image=digest, policy=policy, parts=tuple(parts))


class _ImageJudge:
    def __init__(
        self,
        image: Image,
        trust: Trust,
        found: Sequence[StoredStatement],
        of_packages: dict[str, list[StoredStatement]],
    ) -> None:
        self._image = image
        self._trust = trust
        self._found = found
        self._of_packages = of_packages

    def sbom(self) -> PartVerdict:
        judged = self._judged(
            StatementKind.SBOM, self._found, self._image.digest, lambda one: sbom_objections(one.predicate, self._image)
        )
        return _part(ImagePart.SBOM, judged, "it says what is in the image, module by module")

    def provenance(self) -> PartVerdict:
        judged = self._judged(
            StatementKind.PROVENANCE,
            self._found,
            self._image.digest,
            lambda one: provenance_objections(one.predicate, self._image),
        )
        return _part(ImagePart.PROVENANCE, judged, "it names the packages and the base that the image is made from")

    def validation(self) -> PartVerdict:
        """Each package that the image is made from was found valid."""
        packages = sorted(packages_of(self._image.contents))
        missing: list[str] = []
        bad: list[str] = []
        for name, package in packages:
            # The reports of the image's other packages lie here as well, which is no fault.
            others = {digest for _, digest in packages} - {package}
            there = [one for one in (*self._found, *self._of_packages.get(package, ())) if not _is_about(one, others)]
            judged = self._judged(StatementKind.VALIDATION_REPORT, there, package, _invalid)
            if not judged.good:
                reasons = "; ".join(judged.bad) or "nobody has stated what its check found"
                (bad if judged.bad else missing).append(f"{name or package}: {reasons}")
        if bad or missing:
            return _refused(ImagePart.VALIDATION_REPORT, "; ".join([*bad, *missing]), absent=not bad)
        return _fine(ImagePart.VALIDATION_REPORT, "every package that the image is made from was found valid")

    def way_through_sandbox(self, *, signed: bool) -> list[PartVerdict]:
        """It was deployed on a sandbox, signed off there if that is asked for, and is a candidate: as one update."""
        image = self._image.digest
        applied = self._judged(StatementKind.SANDBOX_APPLY, self._found, image, _unreadable(SandboxApply))
        updates = {_update(msgspec.convert(one.predicate, SandboxApply)) for one in applied.good}
        parts = [_part(ImagePart.SANDBOX_APPLY, applied, "it was deployed on a sandbox with success")]
        wanted: list[tuple[StatementKind, ImagePart, type[SignedOff | CandidateMark], str]] = []
        if signed:
            wanted.append((StatementKind.SIGN_OFF, ImagePart.SIGN_OFF, SignedOff, "the customer has signed it off"))
        wanted.append((StatementKind.CANDIDATE, ImagePart.CANDIDATE, CandidateMark, "it is a release candidate"))
        for kind, part, type_, words in wanted:
            judged = self._judged(kind, self._found, image, _of_no_update(type_, updates))
            parts.append(_part(part, judged, words))
        return parts

    def _judged(
        self,
        kind: StatementKind,
        found: Iterable[StoredStatement],
        subject: str,
        object_to: Callable[[Statement], list[str]],
    ) -> _Judged:
        good, bad = [], []
        for one in found:
            if one.kind is not kind:
                continue
            statement, objections = self._read(one, kind, subject, object_to)
            if statement is not None and not objections:
                good.append(statement)
            bad += [f"{text} (statement {one.digest})" for text in objections]
        return _Judged(tuple(good), tuple(dict.fromkeys(bad)))

    def _read(
        self, one: StoredStatement, kind: StatementKind, subject: str, object_to: Callable[[Statement], list[str]]
    ) -> tuple[Statement | None, list[str]]:
        if one.envelope is None:
            return None, [one.problem]
        try:
            _, statement = self._trust.signer(one.envelope)
        except (EnvelopeError, UntrustedError) as error:
            return None, [str(error)]
        if statement.kind is not kind:
            return None, [f"it is stored as {kind}, and is a statement of {statement.predicate_type}"]
        if not statement.is_about(subject):
            others = ", ".join(f"{name}:{value}" for each in statement.subject for name, value in each.digest.items())
            return None, [f"it is a statement about {others or 'nothing'}, not about {subject}"]
        return statement, object_to(statement)


def _is_about(one: StoredStatement, digests: Collection[str]) -> bool:
    """Whether it says, believed or not, that it is about one of these."""
    if one.envelope is None:
        return False
    try:
        statement = read_statement(payload_of(one.envelope), one.envelope.payload_type)
    except EnvelopeError:
        return False
    return any(statement.is_about(digest) for digest in digests)


def _invalid(statement: Statement) -> list[str]:
    try:
        report = msgspec.convert(statement.predicate, ValidationReport)
    except msgspec.ValidationError as error:
        return [f"it cannot be understood: {error}"]
    return [] if report.verdict == VALID else [f"the package was found {report.verdict}"]


def _unreadable(type_: type[P]) -> Callable[[Statement], list[str]]:
    def object_to(statement: Statement) -> list[str]:
        try:
            msgspec.convert(statement.predicate, type_)
        except msgspec.ValidationError as error:
            return [f"it cannot be understood: {error}"]
        return []

    return object_to


def _of_no_update(
    type_: type[SignedOff] | type[CandidateMark], updates: set[tuple[str, str]]
) -> Callable[[Statement], list[str]]:
    """Objects to what is said of an update that did not bring this image to its sandbox."""

    def object_to(statement: Statement) -> list[str]:
        try:
            said = msgspec.convert(statement.predicate, type_)
        except msgspec.ValidationError as error:
            return [f"it cannot be understood: {error}"]
        if not updates or _update(said) in updates:
            return []
        return [f"it is of update {said.environment}/{said.update_name}, which did not deploy this image"]

    return object_to


def _update(said: SandboxApply | SignedOff | CandidateMark) -> tuple[str, str]:
    return said.environment, said.update_name.strip().casefold()


def _part(part: ImagePart, judged: _Judged, words: str) -> PartVerdict:
    if judged.good:
        return _fine(part, words)
    if judged.bad:
        return _refused(part, "; ".join(judged.bad))
    return _refused(part, "nobody has stated this of the image", absent=True)


def _fine(part: ImagePart, message: str) -> PartVerdict:
    return PartVerdict(part=part, ok=True, message=message)


def _refused(part: ImagePart, message: str, *, absent: bool = False) -> PartVerdict:
    return PartVerdict(part=part, ok=False, message=message, way_out=_WAYS_OUT[part], absent=absent)
