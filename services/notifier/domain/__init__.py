"""What the notifier decides.

`audience` keeps a project's recipients, within the limits of `guards`. `updates`, `promotions`, `extensions`,
`removals` and `rollouts` make a `mail_content` of an event that recipients are told; `notifications` makes a
notification of it, and `deliveries` follows that until every recipient has it, or cannot have it. `projections` keeps
what mails say of other services' aggregates, `views` shows it all.
"""
