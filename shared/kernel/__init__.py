"""What six services share: one way of being a service.

Everything that happens to an aggregate is a message, a timer or the result of work. Each goes through one pure
function (`decision`) and one commit (`fold`, `commit`): the aggregate's document holds its state, what it has seen,
its outbox, its timers and its work. `relay` sends what the outbox holds, `attendant` does what has become due,
`worker` does leased work, `inbox` brings the records, `dead_letters` keeps those that nobody could read.

A service writes `service.Service(...)`, a table, and hands it to `process.run`.
"""
