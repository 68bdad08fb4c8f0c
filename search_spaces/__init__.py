"""What a study is, and the studies that ship with Crescendo."""
