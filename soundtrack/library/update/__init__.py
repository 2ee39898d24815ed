"""Update of an index from its folders."""
