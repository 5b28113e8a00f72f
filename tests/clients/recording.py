"""Which methods a class offers, and a stand-in for its object that notes which of them were called.

A module of tests has one table, method -> exercise. Its test runs over the methods that the client's class has, so
that a method without an exercise fails, and so does an exercise that does not call its method.
"""

from __future__ import annotations

from typing import Any

SUBSCRIPTS = ("__getitem__", "__setitem__", "__delitem__", "__contains__")


def public_methods(*classes: type) -> list[str]:
    """Names of what users of the classes call: methods, properties and subscripts, but no nested classes."""
    return sorted(
        {
            name
            for cls in classes
            for name in dir(cls)
            if (not name.startswith("_") or name in SUBSCRIPTS) and not isinstance(getattr(cls, name), type)
        }
    )


class Recording:
    """Passes everything on to `client`; `called` has the methods called and the properties read or written."""

    def __init__(self, client: Any) -> None:
        self.__dict__.update(client=client, called=set())

    def __getattr__(self, name: str) -> Any:
        """Count a property when it is read, a method when it is called."""
        if isinstance(getattr(type(self.client), name, None), property):
            self.called.add(name)
        attribute = getattr(self.client, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **options: Any) -> Any:
            self.called.add(name)
            return attribute(*args, **options)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        self.called.add(name)
        setattr(self.client, name, value)

    def __getitem__(self, key: Any) -> Any:
        self.called.add("__getitem__")
        return self.client[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.called.add("__setitem__")
        self.client[key] = value

    def __delitem__(self, key: Any) -> None:
        self.called.add("__delitem__")
        del self.client[key]

    def __contains__(self, key: Any) -> bool:
        self.called.add("__contains__")
        return key in self.client
