"""The words of one value that messages are made of: ids, names, digests, versions."""

from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

_SLUG = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_UPDATE_NAME = r"[^\x00-\x1f\x7f]{1,100}"

MOST_SENTENCE = 500
"""Characters of a sentence, at most."""

ProjectId = TypeAliasType(
    "ProjectId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}$"),
        Field(description="Slug: 1 to 63 lower case letters, digits and inner hyphens.", examples=["contoso"]),
    ],
)
EnvironmentId = TypeAliasType(
    "EnvironmentId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}$"),
        Field(description="Slug: 1 to 63 lower case letters, digits and inner hyphens.", examples=["contoso-test"]),
    ],
)
PackageId = TypeAliasType(
    "PackageId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}/[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}$"),
        Field(
            description="`<project>/<name>`; the name has 1 to 100 letters, digits, dots, hyphens and underscores.",
            examples=["contoso/contoso-2026.11"],
        ),
    ],
)
OperationId = TypeAliasType(
    "OperationId",
    Annotated[
        str,
        StringConstraints(pattern=r"^[!-~]{1,200}$"),
        Field(
            description="Id of the command that started the operation.",
            examples=["019aa5c8-7b1e-7c3a-9f20-3f1d5a0c7e11"],
        ),
    ],
)
PromotionId = TypeAliasType(
    "PromotionId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}/[!-~]{{1,200}}$"),
        Field(
            description="`<production environment>/<id of the command that scheduled it>`.",
            examples=["contoso-prod/019aa5d0-0c55-7d52-8a41-6a0b1c9e2f42"],
        ),
    ],
)
HistoryEntryId = TypeAliasType(
    "HistoryEntryId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}/[!-~]{{1,200}}$"),
        Field(
            description="`<environment>/<operation>`: one record per key stands on a snapshot topic, "
            "so this may not be an environment's id alone.",
            examples=["contoso-test/019aa5c8-7b1e-7c3a-9f20-3f1d5a0c7e11"],
        ),
    ],
)
UpdateId = TypeAliasType(
    "UpdateId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}/[^\\x00-\\x1f\\x7f]{{1,300}}$"),
        Field(
            description="`<environment>/<update name>`, the name case-folded.",
            examples=["contoso-test/november release"],
        ),
    ],
)
UpdateName = TypeAliasType(
    "UpdateName",
    Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=f"^{_UPDATE_NAME}$"),
        Field(
            description="1 to 100 characters without control characters, blanks around it removed; "
            "unique in its environment whatever its case.",
            examples=["November release"],
        ),
    ],
)
ModuleName = TypeAliasType(
    "ModuleName",
    Annotated[
        str,
        StringConstraints(pattern=r"^[!-~]{1,100}$"),
        Field(
            description="Name of a module in ASCII; two names that differ in case alone are one.",
            examples=["ContosoSales"],
        ),
    ],
)
AppId = TypeAliasType(
    "AppId",
    Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        Field(
            description="GUID of an extension, in lower case.",
            examples=["5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21"],
        ),
    ],
)
Version = TypeAliasType(
    "Version",
    Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){1,3}$"),
        Field(description="2 to 4 numbers with dots; compared number by number.", examples=["10.0.2177.37"]),
    ],
)
Country = TypeAliasType(
    "Country",
    Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z][A-Z0-9]$"),
        Field(description="ISO 3166 code, or W1 for the version without a country.", examples=["DE"]),
    ],
)
BaseId = TypeAliasType(
    "BaseId",
    Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){1,3}/[A-Z][A-Z0-9]$"),
        Field(description="`<version>/<country>` of a base.", examples=["27.0.38460.0/DE"]),
    ],
)
CheckId = TypeAliasType(
    "CheckId",
    Annotated[
        str,
        StringConstraints(
            pattern=f"^{_SLUG}/[0-9]{{1,18}}/[0-9]{{1,9}}(\\.[0-9]{{1,9}}){{1,3}}/[A-Z][A-Z0-9](/[0-9a-f]{{12}})?$"
        ),
        Field(
            description="`<environment>/<set version>/<base>/<packages>`, the last being a digest of what is checked: "
            "one set version is checked as it is, with staged versions, or without what is to be removed.",
            examples=["contoso-prod/3/27.0.38460.0/DE/5f1d0c2b9a7e"],
        ),
    ],
)
NotificationId = TypeAliasType(
    "NotificationId",
    Annotated[
        str,
        StringConstraints(pattern=f"^{_SLUG}/[!-~]{{1,200}}$"),
        Field(
            description="`<project>/<id of the event that is told>`.",
            examples=["contoso/019aa5d3-91aa-7b60-b6c4-0d2f6a4e8c11"],
        ),
    ],
)
Digest = TypeAliasType(
    "Digest",
    Annotated[
        str,
        StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"),
        Field(
            description="SHA-256 of the content, as in the artifact store.",
            examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ],
)
ReasonCode = TypeAliasType(
    "ReasonCode",
    Annotated[
        str,
        StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$"),
        Field(
            description="Why, for programs: a code of the `Reason` of the service that decided, or of `KernelReason`.",
            examples=["OPERATION_RUNNING"],
        ),
    ],
)
Sentence = TypeAliasType(
    "Sentence",
    Annotated[
        str,
        StringConstraints(min_length=1, max_length=MOST_SENTENCE),
        Field(description="For a person: what happened and, where there is one, the way out."),
    ],
)
Actor = TypeAliasType(
    "Actor",
    Annotated[
        str,
        StringConstraints(max_length=1024),
        Field(description="Who asked for it, as `ce_actor` said.", examples=["ada@contoso.example"]),
    ],
)
Note = TypeAliasType(
    "Note",
    Annotated[
        str,
        StringConstraints(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]{0,1000}$"),
        Field(description="Free text of a person; may be empty. At most 1000 characters."),
    ],
)


def update_id(environment: str, name: str) -> str:
    """`<environment>/<name>`, the same for names that differ only in case or in blanks around them."""
    return f"{environment}/{name.strip().casefold()}"


def project_of(package: str) -> str:
    """The project of a package id `<project>/<name>`."""
    return package.partition("/")[0]


def sentence(text: str) -> str:
    """`text` as a message may carry it: cut where it is too long, and never empty."""
    text = text.strip() or "no reason given"
    return text if len(text) <= MOST_SENTENCE else f"{text[: MOST_SENTENCE - 1]}…"
