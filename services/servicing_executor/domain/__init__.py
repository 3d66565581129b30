"""What the executor decides. `state` is what there is. `updates`, `upkeep` and `interventions` take commands, after
their `guards`; `operations` starts one, `advance` goes from step to step as `answers` come, `finish` ends it. `plans`
names the steps, `known` keeps what other services said, `views` shows it all.
"""
