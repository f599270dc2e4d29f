"""What a project uses to test its storages: servers, fixtures, request counting, the contract suite."""
