"""Extensions against a target set: what breaks, what is pending, what cannot be decided.

`extension_set` judges a set, `extension` one of it. What is asked of every extension stands in files of its own:

* `manifest`: its dependencies, minimum versions and runtime;
* `objects` with `anchors`, `additions` and `interfaces`: each object as a whole;
* `references` with `property_walk`: what declarations name; `properties` is the table of what each value holds,
  `property_values` reads it, `property_tables` and `tables` find the fields;
* `events` with `published`: what subscribers subscribe to;
* `code` with `scope`, `binder`, `names`, `members`, `values`, `platform_calls`, `arguments`, `operators` and
  `assignments`: what code names and does; `conversions`, `sameness` and `fitting` say which types go together;
* `schema`: what the installed version stores.

All of them look things up in a `world`, one for each side of the update, and tell an `ExtensionCheck` what they find:
`naming` and `lifecycle` do so for objects that are gone, out of reach or obsolete. `rules` is the table of what can
break.
"""
