"""The HTTP server (`server`) and the listener that answers during start-up (`liveness`)."""
