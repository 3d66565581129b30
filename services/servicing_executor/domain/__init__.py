"""What the executor decides.

`state` is what there is. Commands come to `registration`, `updates`, `images`, `releases`, `extensions`, `restarts`,
`maintenance`, `interventions` and `sign_off`; their refusals are `guards`, and `facts` is what they look at beside the
environment. `operations` starts one, `advance` goes from step to step as `answers` come, `closing` ends it; what each
decision says is gathered in an `environment_change`.

`plans` names the steps, and `work` what a step is given and brings. `extension_sets` says what becomes of a set of
extensions, `modules` how modules differ, `bases` which base comes. `projections` keeps what other services said,
`views` shows it all.
"""
