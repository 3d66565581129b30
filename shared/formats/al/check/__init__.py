"""Extensions against a target set: what breaks, what is pending, what cannot be decided.

`extension_set` judges a set, `extension` one of it. What is asked of every extension stands in files of its own:

* `manifest`: its dependencies, minimum versions and runtime;
* `objects` with `anchors`, `additions` and `interfaces`: each object as a whole;
* `references` with `properties`, `links` and `tables`: what declarations name;
* `events`: what subscribers subscribe to;
* `code` with `scope`, `binder`, `members`, `values`, `arguments` and `assignments`: what code names and does;
* `schema`: what the installed version stores.

All of them look things up in a `world`, one for each side of the update, and tell an `ExtensionCheck` what they find:
`naming` and `lifecycle` do so for objects that are gone, out of reach or obsolete. `rules` is the table of what can
break.
"""
