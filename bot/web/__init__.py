"""Door 3, a request arrives: the porch is the open port, the server what answers there."""
