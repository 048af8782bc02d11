"""Which address leads to which page? One line each, grouped by module."""

from django.urls import path

from mca_portal.pages import agreements, customers, home, new_customer

urlpatterns = [
    # Home
    path("", home.home, name="home"),
    # Customers
    path("customers/", customers.customer_list, name="customers"),
    path("customers/domain-availability/", customers.domain_check, name="domain_check"),
    path("customers/address-fields/", customers.address_fields, name="address_fields"),
    path("customers/<uuid:customer_id>/", customers.customer, name="customer"),
    path("customers/<uuid:customer_id>/edit/", customers.customer_edit, name="customer_edit"),
    # The Microsoft customer agreement
    path("customers/<uuid:customer_id>/agreement/", agreements.agreement, name="agreement"),
    path("customers/<uuid:customer_id>/agreement/<int:acceptance_id>/withdraw/", agreements.agreement_withdraw, name="agreement_withdraw"),
    path("agreement-versions/", agreements.agreement_versions, name="agreement_versions"),
    # New customer
    path("customers/new/", new_customer.begin, name="new_customer"),
    path("customers/new/<uuid:draft_id>/account/", new_customer.account_info, name="new_customer_account"),
    path("customers/new/<uuid:draft_id>/subscriptions/", new_customer.subscriptions, name="new_customer_subscriptions"),
    path("customers/new/<uuid:draft_id>/review/", new_customer.review, name="new_customer_review"),
    path("customers/new/<uuid:draft_id>/done/", new_customer.done, name="new_customer_done"),
    path("customers/new/<uuid:draft_id>/discard/", new_customer.discard, name="new_customer_discard"),
]
