"""The inbox: durable rows of verified deliveries, their states, and the queue over them."""
