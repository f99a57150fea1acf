"""What people ask ghsync about itself and its mirror: rows and documents, whoever shows them. Nothing is changed."""
