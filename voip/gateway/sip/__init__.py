"""Telephones, through a process that knows SIP and no key of ours."""
