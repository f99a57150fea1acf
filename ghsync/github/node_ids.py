"""Numbers inside GraphQL's node ids, where GraphQL tells no other.

Today's are a prefix and the MessagePack of ``[0, repository, number]``: ``SC_kwDODDMJAM8AAAAFCa5vjg`` is the status
21637263246 of repository 204671232. GitHub promises nothing of it. So that of a status is believed only where the same
answer tells the number of its pull request too, and the node id of that says the same; and those of labels and
milestones since they say what REST has told of them (`tests/github/test_node_ids.py` has pairs).
https://docs.github.com/en/graphql/guides/using-global-node-ids
"""

import base64
import binascii

import msgspec


def number(node_id: str, repository_id: int) -> int | None:
    """The number that a node of this repository has in REST; None where the node id is not of that form."""
    _, _, packed = node_id.partition("_")
    try:
        read = msgspec.msgpack.decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), type=list[int])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    return read[2] if read[:2] == [0, repository_id] and len(read) == 3 else None
