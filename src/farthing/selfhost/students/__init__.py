"""Students: from captured calls to a small model that answers when it can be shown that it may; and its life."""
