"""No models: Django tells an app of a migration only where it has this module."""
