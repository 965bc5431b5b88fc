"""What Applivery says: its hosts, its HTTP client, and its JSON turned into our facts."""
