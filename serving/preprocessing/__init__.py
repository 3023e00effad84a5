"""Request forms to arrays, by the manifest; training decodes its own data through the same code."""
