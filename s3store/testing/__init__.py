"""Tools for the tests of a project: servers, fixtures, request counting, and the contract suite."""
