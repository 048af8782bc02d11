"""Which address leads to which page? One line each, grouped by module."""

from django.urls import path

from mca_portal.pages import agreements, customers, home

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
]
