"""
The bytes under the gateway: frames, the gate that they go through, HTTP heads and answers.

Nothing here knows what is said. `frames`, `fragments` and `request_head` are pure.
"""
