import os

from mcproxy.config.file_watch import FileWatch


class Clock:
    """Fires what was asked for later when told to."""

    def __init__(self):
        self.pending = []

    def call_later(self, seconds, callback):
        timer = Timer(self, seconds, callback)
        self.pending.append(timer)
        return timer

    def fire(self):
        timers, self.pending = self.pending, []
        for timer in timers:
            timer.callback()


class Timer:
    def __init__(self, clock, seconds, callback):
        self.clock, self.seconds, self.callback = clock, seconds, callback

    def cancel(self):
        self.clock.pending.remove(self)


def watching(*paths, period_s=0.1):
    clock, told = Clock(), []
    watch = FileWatch(clock.call_later, period_s, lambda: told.append(1))
    watch.follow(paths)
    return clock, told, watch


def test_it_tells_what_has_changed_once(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    clock, told, _ = watching(path)
    clock.fire()
    assert told == []
    path.write_text("12")
    clock.fire()
    clock.fire()
    assert told == [1]
    assert [timer.seconds for timer in clock.pending] == [0.1]


def test_files_that_come_and_go(tmp_path):
    path = tmp_path / "a"
    clock, told, _ = watching(path)
    path.write_text("1")
    clock.fire()
    path.unlink()
    clock.fire()
    assert told == [1, 1]


def test_a_link_that_leads_elsewhere(tmp_path):
    """As Kubernetes replaces the files of a ConfigMap."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("x")
        os.utime(tmp_path / name / "a", (1, 1))
    link = tmp_path / "data"
    link.symlink_to("one")
    clock, told, _ = watching(link / "a")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(link)
    clock.fire()
    assert told == [1]


def test_it_follows_other_files_and_stops(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    clock, told, watch = watching(old)
    watch.follow([new])
    old.write_text("1")
    clock.fire()
    assert told == []
    watch.stop()
    assert clock.pending == []


def test_a_period_of_0_never_looks(tmp_path):
    clock, _, _ = watching(tmp_path / "a", period_s=0)
    assert clock.pending == []
