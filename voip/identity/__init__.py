"""Who somebody is: keys, certificates, contacts, trust and where they are kept."""
