"""Client for Applivery: hosts, HTTP transport, and decoding of its JSON into domain objects."""
