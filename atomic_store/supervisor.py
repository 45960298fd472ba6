"""The supervisor: which scopes are live, and what happens when an actor crashes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import final

import attrs

from .actor import Actor, make_bell
from .admission import Admission
from .errors import ScopeFailed, shown
from .parts import Parts
from .proposal import Proposal
from .scope import Scope
from .tasks import Tasks


@final
@attrs.define(eq=False)
class Supervisor:
    """
    Keeps one `Scope` and one actor task for each live scope.

    Actors start on demand, go when their scope was idle for long enough or when there
    are too many, and are replaced when they crash.
    """

    parts: Parts
    tasks: Tasks
    scopes: dict[str, Scope] = attrs.Factory(dict)
    actors: dict[Scope, Actor] = attrs.Factory(dict)
    # Invariant: all live scopes that are idle, the longest idle one first, and perhaps
    # some that have been given work again since.
    idle: OrderedDict[Scope, None] = attrs.Factory(OrderedDict)
    # Why the store takes no more proposals, if so.
    closed: Callable[[], Exception] | None = None

    def scope(self, name: str) -> Scope:
        """
        Give the scope of this name; it comes to life with its first proposal.

        Raises:
          StoreClosed, JournalFailed: the store takes no more proposals.
        """
        if self.closed is not None:
            raise self.closed()
        scope = self.scopes.get(name)
        if scope is None:
            admission = Admission[Proposal](name, self.parts.options.max_waiting)
            floor = self.parts.journal.head.position
            scope = Scope(name, self.parts, admission, self._start, floor)
            self.scopes[name] = scope
        return scope

    def drop_unused(self, scope: Scope) -> None:
        """Forget a scope that did not come to life."""
        if scope not in self.actors and not scope.looking_up:
            self.scopes.pop(scope.name, None)

    def _start(self, scope: Scope) -> None:
        """Bring a scope to life."""
        self._make_room()
        bell = make_bell()
        idle_after = self.parts.options.idle_after
        actor = Actor(scope, bell, idle_after, self._went_idle, self._retire)
        scope.on_wake = lambda scope: bell.ring()
        self.actors[scope] = actor
        self.tasks.start_soon(self._run, actor, name=f"scope {shown(scope.name)}")

    async def _run(self, actor: Actor) -> None:
        """Run an actor, and again after each crash, until its scope retires."""
        while True:
            try:
                return await actor.run()
            except Exception as error:
                if not self._survive(actor.scope, error):
                    return None

    def _survive(self, scope: Scope, error: Exception) -> bool:
        """Answer those whom a crash concerns; whether the actor is to be started again."""
        # What it had decided may not have been on its way to the disk.
        self.parts.journal.flush_nowait()
        if scope.is_loaded and scope.crash(error):
            scope.is_loaded = False
            return True

        # The past cannot be read, or there is a crash without a round: everyone who
        # waits is told, and whoever comes next starts anew.
        def failed() -> Exception:
            if not scope.is_loaded:
                return error
            failed = ScopeFailed(f"the actor of scope {shown(scope.name)} crashed: {error!r}")
            failed.__cause__ = error
            return failed

        scope.close(failed)
        self._remove(scope)
        return False

    def _went_idle(self, scope: Scope) -> None:
        self.idle[scope] = None
        self.idle.move_to_end(scope)
        self._make_room(0)

    def _make_room(self, more: int = 1) -> None:
        """Retire the scopes that were idle for longest, while there are too many, or too big."""
        for scope in list(self.idle) if self._is_crowded(more) else ():
            if scope.is_at_rest:
                self._retire(scope)
                if not self._is_crowded(more):
                    break

    def _is_crowded(self, more: int) -> bool:
        options = self.parts.options
        return (
            len(self.actors) + more > options.live_scopes_max
            or self.parts.past_bytes > options.past_bytes_max
        )

    def _retire(self, scope: Scope) -> None:
        assert scope.is_at_rest
        self.actors[scope].is_retired = True
        scope.wake()
        self._remove(scope)

    def _remove(self, scope: Scope) -> None:
        del self.scopes[scope.name]
        del self.actors[scope]
        self.idle.pop(scope, None)
        self.parts.past_bytes -= scope.past_bytes
        scope.past_bytes = 0

    def close(self, error: Callable[[], Exception]) -> None:
        """Take no more proposals, and end all that are not decided with an error each."""
        if self.closed is None:
            self.closed = error
        for scope in list(self.scopes.values()):
            scope.close(error)
