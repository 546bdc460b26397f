"""The customer's pages about the number index: its switch and progress, and which numbers need a look."""
