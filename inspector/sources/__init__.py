"""Where the inspector looks: a store's files, or a gateway. All of it runs in Trio's thread."""
