"""Extensions against a target set: what breaks, what is pending, what cannot be decided."""
