"""
What the gateway costs, measured from outside: its process, its peers', and their clients'.

Servers run in one process on one core, clients in another. The clients speak raw WebSocket
frames and look at no more than they must, so that it is the servers that are measured.
"""
