"""How things are said to people, wherever that is."""


def counted(number: int, word: str) -> str:
    """A number with its word: 1 module, 2 modules."""
    return f"{number} {word}{'' if number == 1 else 's'}"
