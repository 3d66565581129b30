"""The form of all that services store, as `stored/forms.json` keeps it; `python -m tests.contract.forms` writes it.

To be done once the version of each aggregate that changed was raised by one: its earlier versions, which may run beside
the new one, leave alone what that has written.
"""

import json
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from deploy.installation.tables import service_tables

FORMS = Path(__file__).parent / "stored" / "forms.json"


def forms() -> dict[str, dict[str, dict[str, Any]]]:
    """By service and aggregate: the version, and a digest of the fields of its states and of its work's inputs."""
    with tempfile.TemporaryDirectory() as folder:
        services = service_tables(Path(folder))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, service in sorted(services.items()):
        for aggregate in sorted(service.aggregates.values(), key=lambda one: one.name):
            inputs = sorted(
                (kind, line.input.model_json_schema())
                for (of, kind), line in service.work.items()
                if of == aggregate.name
            )
            whole = json.dumps([_fields(aggregate.state.model_json_schema()), *map(_fields, map(list, inputs))])
            digest = sha256(whole.encode()).hexdigest()[:16]
            found.setdefault(name, {})[aggregate.name] = {"version": aggregate.version, "fields": digest}
    return found


def _fields(schema: Any) -> Any:
    """A schema without what is said to people."""
    if isinstance(schema, dict):
        return {key: _fields(value) for key, value in sorted(schema.items()) if key not in ("title", "description")}
    return [_fields(one) for one in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    FORMS.write_text(json.dumps(forms(), indent=1) + "\n", encoding="utf-8")
