"""Question pools: procedural mathematics, local files and Hub datasets behind one door, `pools.load_pool`."""
