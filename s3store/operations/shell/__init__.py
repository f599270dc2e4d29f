"""What the commands of a shell do with files: list, read, copy, move and delete them, and change facts about them."""
