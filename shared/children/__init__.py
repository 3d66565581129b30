"""Child processes that open foreign files: packages and extensions that customers and vendors made.

A file that brings down whatever reads it, grows without end or finds a hole in a parser costs its own task and nothing
else: not a neighbour's, not the service's heartbeat, no secret and no file but its own.

* `Pool` (in the service): at most so many processes, asked one task at a time; cancelled means killed
* `serve` (in the child): a warm process that forks for every task; the fork is confined before it opens a thing
* `Limits`, `Files`: what a fork may use, and the only files that are there for it
* `Failed`, `TaskFailed`, `ChildDied`: how a task ends that has no answer
"""

from shared.children.frames import Failed, Files, TaskLimits
from shared.children.pool import ChildDied, Pool, TaskFailed
from shared.children.serving import Tell, serve

__all__ = ["ChildDied", "Failed", "Files", "Pool", "TaskFailed", "TaskLimits", "Tell", "serve"]
