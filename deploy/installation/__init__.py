"""An installation on this machine as a whole: its backup, and what is made of one again."""
