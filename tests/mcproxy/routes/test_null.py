import pytest

from tests.support.built_route import build
from tests.support.operations import DEFAULT_REPLIES, ONE_OF_EACH
from tests.support.scripted_route import ask


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_the_default_reply(op):
    assert ask(build("NullRoute"), op) == DEFAULT_REPLIES[op]
