"""The projector: deliveries in, nouns out, through the one gate that writes the mirror."""
