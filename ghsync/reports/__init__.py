"""What people ask ghsync about itself and its mirror. Each report answers rows or a document, and changes nothing."""
