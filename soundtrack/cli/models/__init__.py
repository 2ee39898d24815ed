"""Commands about models and the installation."""
