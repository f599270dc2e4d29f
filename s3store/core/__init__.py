"""Pure rules: values in, values out. Only the standard library is imported here."""
