"""The fake Applivery's endpoints, one module per noun, each with its `routes`."""
