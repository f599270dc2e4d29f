"""The mixins of the storage classes: each adds methods that need only `objects`. The storage classes use it."""
