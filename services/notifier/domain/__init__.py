"""What the notifier decides. `audience` keeps a project's recipients; `occasions` makes a notification of an event
that is told, in the words of `letters`; `deliveries` follows it until every recipient has it, or cannot have it.
`known` keeps what an operation is called, `views` shows it all.
"""
