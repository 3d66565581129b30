"""Two versions of one app: the upgrade rules of the analyzer."""
