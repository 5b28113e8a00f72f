from mcproxy.host_id import host_id


def test_the_pod_address_decides(monkeypatch):
    monkeypatch.setenv("POD_IP", "10.0.0.1")
    first = host_id()
    assert host_id() == first
    assert 0 <= first < 1 << 32
    monkeypatch.setenv("POD_IP", "10.0.0.2")
    assert host_id() != first


def test_without_one_it_is_stable(monkeypatch):
    monkeypatch.delenv("POD_IP", raising=False)
    assert host_id() == host_id()
