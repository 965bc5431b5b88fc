"""The pretended Applivery's endpoints, one module per noun, each with its `routes`."""
