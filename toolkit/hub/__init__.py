"""The Hub: release folders and their cards. Reads and writes files only; imports no other room."""
