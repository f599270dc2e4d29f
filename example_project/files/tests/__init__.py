"""Tests of the app `files`. They need no server: files are in the development twin."""
