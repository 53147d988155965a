"""Headers, of answers and of webhooks."""


def header(headers, name):
    """The first header of this name, which is in lower case, or None."""
    return next((value for key, value in headers if key.lower() == name), None)
