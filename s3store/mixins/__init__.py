"""The chapters of the storage class, each a mixin in a module of its name. The storage classes use it."""
