"""What is offered to whom: products, versions, channels, waves."""
