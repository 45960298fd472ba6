"""The mutations, a file for each room of the library."""

from __future__ import annotations

from ..mutation import Mutation
from . import (
    admission,
    client,
    durability,
    gateway_access,
    gateway_doors,
    gateway_rounds,
    gateway_streams,
    index_files,
    lines,
    opening,
    proposals,
    reading,
    scopes,
    snapshots,
)

MUTATIONS: tuple[Mutation, ...] = (
    *admission.MUTATIONS,
    *scopes.MUTATIONS,
    *proposals.MUTATIONS,
    *durability.MUTATIONS,
    *lines.MUTATIONS,
    *opening.MUTATIONS,
    *snapshots.MUTATIONS,
    *index_files.MUTATIONS,
    *reading.MUTATIONS,
    *gateway_access.MUTATIONS,
    *gateway_doors.MUTATIONS,
    *gateway_rounds.MUTATIONS,
    *gateway_streams.MUTATIONS,
    *client.MUTATIONS,
)
"""All of them; no two have the same name."""
