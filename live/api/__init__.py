"""How people and programs reach the engine: REST, WebSocket and gRPC, all in the engine's event loop.

`views` says what is asked for, `commands` does what is wanted, and every protocol only translates: two of them cannot
answer differently.
"""
