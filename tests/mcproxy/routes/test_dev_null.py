import pytest

from tests.support.built_route import build
from tests.support.operations import DEFAULT_REPLIES, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import ask


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_the_default_reply_is_counted(op):
    context = make_context()
    assert ask(build("DevNullRoute", context), op) == DEFAULT_REPLIES[op]
    assert context.counters["dev_null_requests"] == 1
