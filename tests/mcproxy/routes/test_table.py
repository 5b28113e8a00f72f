"""ROUTE_HANDLES: every row builds what its name says."""

from mcproxy.routes import ROUTE_HANDLES

ALIASES = {"PrefixPolicyRoute": "OperationSelectorRoute"}


def test_a_config_name_is_the_class_name():
    for name, row in ROUTE_HANDLES.items():
        assert row.build.__self__.__name__ == ALIASES.get(name, name)
