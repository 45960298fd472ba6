"""The supervisor: which scopes are live, and what happens when an actor crashes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import final

import attrs

from .actor import Actor, make_bell
from .admission import Admission
from .errors import ScopeFailed, again, shown
from .parts import Parts
from .proposal import Proposal
from .scope import Scope
from .snapshots import Snapshots
from .tasks import Tasks
from .uninterrupted import wait_uninterrupted

CROWDED_IDLE_AFTER = 1.0
"""How long a scope may stay without work while too many are live, in seconds."""


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
    # Invariant: in the order in which they were last proposed to.
    scopes: OrderedDict[str, Scope] = attrs.Factory(OrderedDict)
    actors: dict[Scope, Actor] = attrs.Factory(dict)
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
            scope = Scope(name, self.parts, admission, self._start)
            self.scopes[name] = scope
        else:
            self.scopes.move_to_end(name)
        return scope

    def drop_unused(self, scope: Scope) -> None:
        """Forget a scope that did not come to life."""
        if scope not in self.actors and not scope.looking_up:
            self._remove(scope)

    def _start(self, scope: Scope) -> None:
        """Bring a scope to life."""
        self._make_room()
        bell = make_bell()
        actor = Actor(scope, bell, self._idle_after, self._retire)
        scope.on_wake = lambda scope: bell.ring()
        self.actors[scope] = actor
        self.tasks.start_soon(self._run, actor, name=f"scope {shown(scope.name)}")

    async def _run(self, actor: Actor) -> None:
        """Run an actor, and again after each crash, until its scope retires."""
        while True:
            try:
                return await actor.run()
            except Exception as error:
                if not await self._survives(actor.scope, error):
                    return None

    async def _survives(self, scope: Scope, error: Exception) -> bool:
        """Answer those whom a crash concerns; whether the actor is to be started again."""
        # Nothing opens while there is no actor, and what was decided may not have been on
        # its way to the disk.
        scope.error = error
        self.parts.journal.flush_nowait()
        if not scope.is_loaded or scope.admission.round is None:
            # The scope will have a successor, which knows only what is durable.
            commit = scope.commit
            await wait_uninterrupted(lambda over: commit.when_done(lambda failure: over()))
        return self._survive(scope, error)

    def _survive(self, scope: Scope, error: Exception) -> bool:
        if scope.is_loaded and scope.crash(error):
            scope.is_loaded = False
            return True

        # The past cannot be read, or there is a crash without a round: everyone who
        # waits is told, and whoever comes next starts anew.
        def failed() -> Exception:
            if not scope.is_loaded:
                return again(error)
            failed = ScopeFailed(f"the actor of scope {shown(scope.name)} crashed: {error!r}")
            failed.__cause__ = error
            return failed

        scope.close(failed)
        self._remove(scope)
        return False

    def _idle_after(self) -> float:
        """How long a scope may stay without work, in seconds: not long while it is crowded."""
        idle_after = self.parts.options.idle_after
        return min(idle_after, CROWDED_IDLE_AFTER) if self._is_crowded(0) else idle_after

    def _make_room(self) -> None:
        """Retire the scopes that were idle for longest, while there are too many, or too big."""
        if self._is_crowded(1):
            for scope in list(self.scopes.values()):
                if scope in self.actors and scope.is_at_rest:
                    self._retire(scope)
                    if not self._is_crowded(1):
                        break

    def _is_crowded(self, more: int) -> bool:
        options = self.parts.options
        return (
            len(self.actors) + more > options.live_scopes_max
            or self.parts.past_bytes > options.past_bytes_max
        )

    def _retire(self, scope: Scope) -> None:
        assert scope.is_at_rest
        if self.parts.snapshots is not None:
            self.parts.snapshots.keep(scope, is_going=True)
        self.actors[scope].is_retired = True
        scope.wake()
        self._remove(scope)

    def _remove(self, scope: Scope) -> None:
        # By now another scope may have come to life under this name.
        if self.scopes.get(scope.name) is scope:
            del self.scopes[scope.name]
        self.actors.pop(scope, None)
        self.parts.past_bytes -= scope.past_bytes
        scope.past_bytes = 0

    def keep_states(self, snapshots: Snapshots) -> None:
        """Have the states of all scopes kept, for they go now."""
        for scope in self.scopes.values():
            if scope.is_loaded:
                snapshots.keep(scope, is_going=True)

    def close(self, error: Callable[[], Exception]) -> None:
        """Take no more proposals, and end all that are not decided with an error each."""
        if self.closed is None:
            self.closed = error
        for scope in list(self.scopes.values()):
            scope.close(error)
