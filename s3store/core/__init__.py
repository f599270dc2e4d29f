"""Pure rules: values in, values out, with only the standard library. Every other module uses it."""
