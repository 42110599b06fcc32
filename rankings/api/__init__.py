"""The comparing over REST: boards and bias reports."""
