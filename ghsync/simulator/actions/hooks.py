"""The App's hook itself."""

from ghsync.simulator.world import World

ZEN = "Measure twice, push once."


def ping(world: World) -> None:
    """Send the `ping` with which GitHub greets a new hook."""
    hook = world.app.as_hook_json()
    world.send("ping", {"zen": ZEN, "hook_id": world.app.hook_id, "hook": hook})
