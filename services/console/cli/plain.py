"""Nouns that can be listed and looked at, and nothing else."""

from services.console.cli.lists import group_of
from services.console.nouns import CANDIDATES, CHECKS, NOTIFICATIONS, REMEDIATION_POLICIES, ROLLOUTS

candidate = group_of(CANDIDATES)
rollout = group_of(ROLLOUTS)
check = group_of(CHECKS)
remediation_policy = group_of(REMEDIATION_POLICIES)
notification = group_of(NOTIFICATIONS)
