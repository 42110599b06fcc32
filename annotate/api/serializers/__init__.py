"""The shapes that go in and out. What goes in names every field it may set; all else is refused by name."""
