"""The demo: the real receiver, worker and database on one machine, fed with recorded stories."""
