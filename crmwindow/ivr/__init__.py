"""What voice menus ask of the customer's CRM, through the system account: who calls, is it them, write this down."""
