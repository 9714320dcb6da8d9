"""The ASGI edge: parse, authenticate, call one service, render. One file a resource; the wire's case in `wire`."""
