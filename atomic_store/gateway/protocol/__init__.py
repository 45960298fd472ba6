"""
What is said on the wire: subprotocol `atomic-store.v1`, as docs/protocol.md specifies it.

Pure: text in, text out, and the rules of a conversation. Sockets, tasks and the clock are
someone else's.
"""
