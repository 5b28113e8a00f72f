"""The outcome values."""

from discovery.resolution import Failure, FailureKind


def test_a_failure_reads_as_its_kind_and_detail() -> None:
    assert str(Failure(FailureKind.SERVFAIL, "mycache. SRV: broken")) == "SERVFAIL: mycache. SRV: broken"


def test_kinds_are_metric_labels() -> None:
    assert {kind.value for kind in FailureKind} == {"nxdomain", "nodata", "servfail", "timeout", "refused"}
