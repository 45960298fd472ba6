"""What happens to derived files: nobody may notice any of it."""

from __future__ import annotations

from random import Random
from typing import Literal, TypeAlias

from atomic_store.testing.faulty_disk import FaultyDisk

Spoiled: TypeAlias = Literal["nothing", "flipped", "cut", "deleted", "doubled"]
IndexDamage: TypeAlias = Literal["deleted", "one deleted", "cut off", "changed", "swapped"]


def damage_index(
    disk: FaultyDisk, store: str, damage: IndexDamage, random: Random, outcomes: dict[str, int]
) -> None:
    """Do something to index files, of which nobody may notice anything."""
    directory = f"{store}/index/"
    files = {p: content for p, content in disk.files().items() if p.startswith(directory)}
    if not files:
        return
    outcomes[f"index {damage}"] += 1
    path, content = random.choice([*files.items()])
    at = random.randrange(len(content) + 1)
    match damage:
        case "deleted":
            disk.remove(directory.rstrip("/"))
        case "one deleted":
            disk.remove(path)
        case "cut off":
            disk.put(path, content[:at])
        case "changed":
            disk.put(path, content[:at] + b"?" + content[at + 1 :])
        case "swapped":
            disk.put(path, random.choice([*files.values()]))


def spoil_snapshots(disk: FaultyDisk, spoiled: Spoiled, random: Random) -> None:
    """Do something to the files of snapshots that they must not be trusted after."""
    for path, content in disk.files().items():
        if "/snapshots/" not in path or not content or spoiled == "nothing":
            continue
        at = random.randrange(len(content))
        if spoiled == "deleted":
            disk.remove(path)
        elif spoiled == "cut":
            disk.put(path, content[:at])
        elif spoiled == "doubled":
            disk.put(path, content + content[at:])
        else:
            # Behind the header, or there would be nothing to pass over.
            flipped = bytearray(content)
            for at in range(random.randrange(150, 500), len(content), random.randrange(50, 500)):
                flipped[at] ^= 1 << random.randrange(8)
            disk.put(path, bytes(flipped))
