"""The options of a storage, where their values come from, and the rules they follow. Everything above core uses it."""
