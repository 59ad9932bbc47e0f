"""What a check says: nothing if the component keeps the rule, an exception if not or if the rule is not for it."""


class ConformanceError(AssertionError):
    """A component breaks a rule of the zoo; the message says which one and how."""


class NotApplicable(Exception):  # noqa: N818 - not an error: the rule is about something this component has not
    """A rule is about something that this component does not have."""


def require(kept: bool, message: str) -> None:
    """Raise ConformanceError unless the rule is kept (an `assert` that `python -O` does not remove)."""
    if not kept:
        raise ConformanceError(message)
