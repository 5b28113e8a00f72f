"""watch (protocol.txt, "Watchers")."""

from mcproto import encode
from memcache_server.session import Session
from memcache_server.watchers import KINDS


def watch(session: Session, tokens: list[bytes]) -> bool | None:
    """watch [kind...]: OK, then log lines for ever; the connection takes no more commands."""
    words = tokens[1:-1] if tokens[-1] == b"noreply" else tokens[1:]
    reply = _refusal(session, words)
    if reply is None and session.peer is not None:
        if session.server.watchers.add(session.peer, frozenset(words) or frozenset((b"fetchers",))):
            if tokens[-1] != b"noreply":
                session.out.append(encode.OK)
            session.peer.become_watcher()
            session.server.observe()
            return True
        reply = b"WATCHER_TOO_MANY log watcher limit reached\r\n"
    if tokens[-1] != b"noreply":
        session.out.append(reply or encode.ERROR)
    return None


def _refusal(session: Session, words: list[bytes]) -> bytes | None:
    if not session.server.settings.watch_enabled:
        return b"CLIENT_ERROR watch commands not allowed\r\n"
    if session.out:
        return b"ERROR cannot pipeline other commands before watch\r\n"
    return None if KINDS.issuperset(words) else encode.ERROR
