"""The pages. A view parses, calls one verb and answers; its first line asks `access` for its object."""
