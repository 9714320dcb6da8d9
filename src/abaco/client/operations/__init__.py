"""The operations of the API under the names that agavepy and tapispy gave them."""
