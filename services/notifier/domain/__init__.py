"""What the notifier decides. `audience` keeps a project's recipients; `notifications` makes one of
an event that is told, by `updates`, `promotions`, `rollouts`, `extensions` and `removals`, in the words of `letters`;
`deliveries` follows it until every recipient has it, or cannot have it.
`known` keeps what an operation is called, `views` shows it all.
"""
