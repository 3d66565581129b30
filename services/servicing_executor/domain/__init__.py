"""What the executor decides. `state` is what there is. `updates`, `releases`, `extensions`, `upkeep` and
`interventions` take commands, after their `guards`; `operations` starts one, `advance` goes from step to step as
`answers` come, `finish` ends it. `plans` names the steps, `extension_sets` says what becomes of a set of extensions,
`known` keeps what other services said, `views` shows it all.
"""
