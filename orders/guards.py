"""What does the database refuse about orders and license changes, whoever asks (G1, G2, G5)?"""

from mca_portal.staff.guards import GUARDS, Guard, only_added

_ORDER_SHUT = (
    "(NEW.acceptance_id IS NULL AND EXISTS (SELECT 1 FROM customers_customer c JOIN staff_partneraccount a ON a.id = c.account_id "
    "WHERE c.id = NEW.customer_id AND a.cloud = 'public')) OR (NEW.acceptance_id IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM agreements_acceptance WHERE id = NEW.acceptance_id AND customer_id = NEW.customer_id))"
)
_CHANGE_SHUT = (
    "(NEW.acceptance_id IS NULL AND EXISTS (SELECT 1 FROM orders_subscription s JOIN customers_customer c ON c.id = s.customer_id "
    "JOIN staff_partneraccount a ON a.id = c.account_id WHERE s.id = NEW.subscription_id AND a.cloud = 'public')) "
    "OR (NEW.acceptance_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM agreements_acceptance p JOIN orders_subscription s "
    "ON s.customer_id = p.customer_id WHERE p.id = NEW.acceptance_id AND s.id = NEW.subscription_id))"
)
_QUANTITY_ALONE = (
    "OLD.quantity <> NEW.quantity AND NOT EXISTS (SELECT 1 FROM orders_licensechange WHERE subscription_id = NEW.id "
    "AND version = NEW.version AND from_quantity = OLD.quantity AND to_quantity = NEW.quantity)"
)

GUARDS += [
    Guard("order_needs_its_customers_acceptance", "orders_order", "INSERT", _ORDER_SHUT),
    Guard("order_keeps_its_customers_acceptance", "orders_order", "UPDATE", _ORDER_SHUT),
    Guard("license_change_needs_its_customers_acceptance", "orders_licensechange", "INSERT", _CHANGE_SHUT),
    *only_added("orders_licensechange", "id = NEW.id OR (subscription_id = NEW.subscription_id AND version = NEW.version)"),
    # A license count moves only together with the change that names its acceptance.
    Guard("license_count_moves_with_its_change", "orders_subscription", "UPDATE", _QUANTITY_ALONE),
]
