"""AL extension packages: reads them, judges whether they fit a target version, and compares two versions of one.

Five rooms. A room imports those below it in this list, never one above; `finding` lies below all, and `compare` and
`source` know nothing of each other:

* `check`: extensions against a target set, what breaks, where, and what to write instead;
* `compare`: two versions of one app, what breaks its dependents or its data;
* `source`: AL text to trees, and the objects that it declares;
* `symbols`: what a compiled app exposes, and the index that holds it;
* `package`: the `.app` file, its manifest and what else it holds.

No Kafka, no database, no service: whoever has files can use it.
"""
