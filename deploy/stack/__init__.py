"""The whole of Drydock on one machine: engines, services, mail catcher and console under one supervisor."""

from deploy.stack.stack import Stack, StackError

__all__ = ["Stack", "StackError"]
